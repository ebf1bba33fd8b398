"""What the demo's worker can be told from outside, read once."""

import os
from collections.abc import Mapping

import msgspec


class DemoSettings(msgspec.Struct, frozen=True, kw_only=True):
    url: str  # TIDINGS_URL
    api_key: str  # TIDINGS_API_KEY
    database_url: str  # TIDINGS_DEMO_DATABASE_URL, else TIDINGS_DATABASE_URL: gets a schema `demo`
    worker: str | None = None  # TIDINGS_WORKER: the name of this worker, by default host and process
    slots: int = 2  # TIDINGS_DEMO_SLOTS: jobs at once
    pace_s: float = 10.0  # TIDINGS_DEMO_PACE: seconds a job takes at least, so that each state can be seen
    model_url: str | None = None  # TIDINGS_MODEL_URL: an OpenAI-compatible endpoint, such as https://…/v1
    model_key: str | None = None  # TIDINGS_MODEL_KEY
    model_name: str = "gpt-4o-mini"  # TIDINGS_MODEL_NAME
    model_timeout_s: float = 30.0  # TIDINGS_MODEL_TIMEOUT: for one note; the slow notes really use it up
    slow_notes: tuple[int, ...] = (4, 9, 15, 20, 26)  # TIDINGS_DEMO_SLOW_NOTES: too slow in a job's first run

    @classmethod
    def from_env(cls, env: Mapping[str, str] = os.environ) -> "DemoSettings":
        names = {
            "url": "TIDINGS_URL",
            "api_key": "TIDINGS_API_KEY",
            "worker": "TIDINGS_WORKER",
            "slots": "TIDINGS_DEMO_SLOTS",
            "pace_s": "TIDINGS_DEMO_PACE",
            "model_url": "TIDINGS_MODEL_URL",
            "model_key": "TIDINGS_MODEL_KEY",
            "model_name": "TIDINGS_MODEL_NAME",
            "model_timeout_s": "TIDINGS_MODEL_TIMEOUT",
        }
        given: dict[str, object] = {field: env[name] for field, name in names.items() if env.get(name)}
        if database := env.get("TIDINGS_DEMO_DATABASE_URL") or env.get("TIDINGS_DATABASE_URL"):
            given["database_url"] = database
        if "TIDINGS_DEMO_SLOW_NOTES" in env:
            given["slow_notes"] = [number for number in env["TIDINGS_DEMO_SLOW_NOTES"].split(",") if number]
        if not given.get("model_url"):
            given.setdefault("model_timeout_s", "2")  # the offline summaries take milliseconds
        return msgspec.convert(given, cls, strict=False)
