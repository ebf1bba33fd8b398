"""How a command tells what it does: on stderr, in colour for a person, as JSON lines for a collector."""

import logging
import os
import sys

import structlog


def configure(level: str | None = None) -> None:
    """stdout stays free for results."""
    human = sys.stderr.isatty()  # a traceback never shows what variables hold: that may be somebody's private input
    chosen = level or os.environ.get("TIDINGS_LOG_LEVEL") or "info"
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="%H:%M:%S" if human else "iso", utc=not human),
            *([] if human else [structlog.processors.format_exc_info]),
            structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)
            if human
            else structlog.processors.JSONRenderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping().get(chosen.upper(), 20)),
        logger_factory=structlog.PrintLoggerFactory(file=sys.stderr),
        cache_logger_on_first_use=True,
    )
