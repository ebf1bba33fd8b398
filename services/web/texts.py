"""Which texts of the catalogues a browser gets, as `/web/messages.<language>.json`: those that it says by itself.

A text's arguments stay in it as `{name}`, for the browser to fill in; so none of them may be a count with plurals.
"""

from schemas.messages import say

SCREEN = (
    "screen-away",
    "screen-away-click",
    "screen-refused",
    "screen-sending",
    "screen-started",
    "screen-uploading",
    "screen-upload-cut",
    "screen-choose-file",
    "screen-file",
    "screen-file-first",
    "screen-start",
    "screen-copy",
    "screen-copied",
    "screen-stages",
    "screen-stage-done",
    "screen-stage-now",
    "screen-stage-ahead",
    "screen-row",
    "screen-column",
    "screen-reason",
    "screen-value",
    "screen-more",
    "screen-next",
    "screen-still-running",
    "screen-not-running",
    "screen-confirm",
    "screen-not-now",
    "screen-fixed-file",
    "screen-fixed-hint",
    "screen-loading",
    "screen-not-found",
    "screen-working",
    "screen-quiet",
    "screen-stuck",
    "screen-wait-queue",
    "screen-wait-work",
    "screen-at-created",
    "screen-at-finished",
    "screen-jobs",
    "screen-jobs-none",
    "screen-jobs-blocked",
    "screen-jobs-open",
    "screen-jobs-ended",
    "screen-jobs-older",
)
DEMO = (
    "demo-title",
    "demo-lead",
    "demo-export",
    "demo-export-text",
    "demo-export-button",
    "demo-export-title",
    "demo-import",
    "demo-import-text",
    "demo-import-button",
    "demo-import-title",
    "demo-import-sample",
    "demo-ai",
    "demo-ai-text",
    "demo-ai-button",
    "demo-ai-title",
    "demo-trouble",
    "demo-trouble-text",
    "demo-slow",
    "demo-slow-text",
    "demo-rows",
    "demo-rows-text",
    "demo-lose",
    "demo-lose-text",
    "demo-lose-button",
    "demo-lose-done",
    "demo-lose-none",
    "demo-cut",
    "demo-cut-text",
    "demo-cut-button",
    "demo-cut-on",
    "demo-cut-off",
    "demo-language",
    "demo-console",
    "demo-new-person",
)

_ARGUMENTS = ("ref", "name", "size", "done", "total", "count", "time", "title")


def texts(language: str) -> dict[str, str]:
    """By id, each with its arguments as `{name}`."""
    args = {name: f"{{{name}}}" for name in _ARGUMENTS}
    return {message_id: say(language, message_id, args) for message_id in (*SCREEN, *DEMO)}
