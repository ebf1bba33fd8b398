"""The calls that come by the thousand, found in one small table in front of the FastAPI app and answered without it.

FastAPI serves all other paths and describes these too (`app.py`). An empty FastAPI route costs more time than all that
a submit does in this process: docs/performance.md has the figures.
"""

from collections.abc import Iterable

from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from services.api.calls import Call, serve
from services.api.parts import Parts

NO_PARAMS: dict[str, str] = {}


class Table:
    """An ASGI app. Paths are `/v1/NAME`, or have one parameter as their third step: `/v1/jobs/{id}/stream`."""

    def __init__(self, calls: Iterable[Call], parts: Parts, rest: ASGIApp) -> None:
        self._parts = parts
        self._rest = rest
        self._plain: dict[tuple[str, str], Call] = {}
        self._named: dict[tuple[str, str, str], tuple[Call, str]] = {}
        for call in calls:
            if not call.hot:
                continue
            if "{" not in call.path:
                self._plain[call.method, call.path] = call
            else:
                before, _, after = call.path.partition("{")
                name, _, after = after.partition("}")
                self._named[call.method, before, after] = call, name

    def find(self, method: str, path: str) -> tuple[Call, dict[str, str]] | None:
        """The call that a path names, and its parameter."""
        call = self._plain.get((method, path))
        if call:
            return call, NO_PARAMS
        steps = path.split("/", 4)  # "", "v1", "jobs", the parameter, the rest
        if len(steps) < 4 or not steps[3]:
            return None
        after = f"/{steps[4]}" if len(steps) > 4 else ""
        found = self._named.get((method, f"/{steps[1]}/{steps[2]}/", after))
        return found and (found[0], {found[1]: steps[3]})

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        found = self.find(scope["method"], scope["path"]) if scope["type"] == "http" else None
        if found is None:
            await self._rest(scope, receive, send)
            return
        call, scope["path_params"] = found
        response = await serve(call, self._parts, Request(scope, receive))
        await response(scope, receive, send)
