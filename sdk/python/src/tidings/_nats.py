"""NATS as the carrier: a request for each call that it has a verb for; the others go over HTTP, where there is a URL.

Nothing is queued here while NATS is away: a call is told that no answer came, and is sent again with its key.
"""

import asyncio
import re
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from functools import partial

import msgspec
from nats.aio.client import Client as Connection
from nats.aio.msg import Msg
from nats.aio.subscription import Subscription
from nats.errors import Error, MaxPayloadError, NoRespondersError

from tidings._errors import NO_ANSWER, NotCarried, Problem, Unreachable, refused
from tidings._events import Event
from tidings._transport import Call, Reply, Transport, accept, whole

CONNECT_S = 5.0
LOOK_S = 5.0  # between two looks at what is kept, should a message get lost


class Box:
    """What came and was not read yet: the newest of each kind, so a slow reader never has a backlog."""

    def __init__(self) -> None:
        self.kept: dict[str, bytes] = {}
        self._stirred = asyncio.Event()

    async def put(self, kind: str, msg: Msg) -> None:
        self.kept[kind] = msg.data
        self.stir()

    def stir(self) -> None:
        self._stirred.set()

    async def take(self) -> dict[str, bytes]:
        """Nothing: NATS was away, or it was quiet for long. What was missed can be looked up."""
        with suppress(TimeoutError):
            async with asyncio.timeout(LOOK_S):
                await self._stirred.wait()
        self._stirred.clear()
        taken, self.kept = self.kept, {}
        return taken


class NatsTransport:
    """`url`: one or several, separated by commas. `credentials`: a file of NATS' own."""

    hangs_up = False

    def __init__(
        self, url: str, *, tenant: str = "default", http: Transport | None = None, credentials: str | None = None
    ) -> None:
        self._urls, self._tenant, self._http, self._credentials = url.split(","), tenant, http, credentials
        self._connection: Connection | None = None
        self._connecting, self._lost = asyncio.Lock(), asyncio.Event()
        self._boxes: set[Box] = set()

    @asynccontextmanager
    async def open(self, call: Call) -> AsyncIterator[Reply]:
        if call.subject:
            yield await self._ask(call)
            return
        if self._http is None:
            raise NotCarried(f"{call.method} {call.path} goes over HTTP alone. Give `http_url` too; nothing was sent.")
        async with self._http.open(call) as reply:
            yield reply

    @asynccontextmanager
    async def follow(self, call: Call) -> AsyncIterator[AsyncIterator[Event]]:
        """The present first, which is as new as any answer before, then whatever changes."""
        asked = msgspec.structs.replace(call, subject="api.get", timeout_s=CONNECT_S)
        async with self._listening(call.job, status="status", waits="wait") as box:
            yield self._events(asked, box, await self._present(asked))

    async def kept(self, kind: str, after: int) -> AsyncIterator[tuple[int, bytes]]:
        """Each message that the stream of this kind keeps for the tenant, then each new one, with its sequence."""
        stream, subject = f"TIDINGS_{kind.upper()}", self._subject(kind)
        async with self._listening("", **{kind: kind}) as box:
            while True:
                msg = await self._read(stream, msgspec.json.encode({"seq": after + 1, "next_by_subj": subject}))
                if msg is None:
                    await box.take()
                else:
                    after = int(msg.headers["Nats-Sequence"]) if msg.headers else after + 1
                    yield after, msg.data

    async def close(self) -> None:
        if self._connection is not None:
            with suppress(Error, OSError, RuntimeError):  # uvloop's RuntimeError: the socket has just died
                await self._connection.close()
        if self._http is not None:
            await self._http.close()

    async def _ask(self, call: Call) -> Reply:
        words = call.body if isinstance(call.body, Mapping) else {"at": call.query.get("at")}
        body = msgspec.json.encode({**words, **({"job": call.job} if call.job else {})})
        headers = {name: value for name, value in call.headers.items() if name != "Authorization"}
        msg = await self._request(self._subject(*call.subject.split(".")), body, headers, call.timeout_s)
        found = {name.lower(): value for name, value in (msg.headers or {}).items()}
        if "status" not in found:  # JetStream's word on a durable command
            ack = msgspec.json.decode(msg.data, type=dict[str, object])
            # NATS takes no second message of an id within 0.1 s, not even another tenant's: sent again, it counts once.
            kept = not (ack.get("error") or ack.get("duplicate"))
            return Reply(202 if kept else 503, found, _once(msg.data))
        return Reply(int(found["status"]), found, _once(msg.data))

    async def _events(self, call: Call, box: Box, present: bytes) -> AsyncIterator[Event]:
        yield Event("status", present)
        while True:
            taken = await box.take()
            if not taken:
                with suppress(*NO_ANSWER):
                    taken = {"status": await self._present(call)}
            for kind, data in sorted(taken.items()):
                yield Event(kind, data)

    async def _present(self, call: Call) -> bytes:
        """The job as it is; while Tidings is down, as it was last told."""
        try:
            return await whole(await accept(await self._ask(call)))
        except NO_ANSWER:
            last = await self._read(f"TIDINGS_STATUS.{self._subject('status', call.job)}", b"")
            if last is None:
                raise
            return last.data

    async def _read(self, what: str, which: bytes) -> Msg | None:
        """A message that a stream keeps; None where there is none."""
        msg = await self._request(f"$JS.API.DIRECT.GET.{what}", which, {}, CONNECT_S)
        return None if (msg.headers or {}).get("Status") == "404" else msg

    @asynccontextmanager
    async def _listening(self, job: str, **kinds: str) -> AsyncIterator[Box]:
        box, connection, subscriptions = Box(), await self._connected(), list[Subscription]()
        try:
            for kind, name in kinds.items():
                subject = self._subject(kind, *filter(None, [job]))
                subscriptions.append(await connection.subscribe(subject, cb=partial(box.put, name)))
            self._boxes.add(box)
            yield box
        finally:
            self._boxes.discard(box)
            with suppress(Error):
                for subscription in subscriptions:
                    await subscription.unsubscribe()

    async def _request(self, subject: str, body: bytes, headers: Mapping[str, str], timeout_s: float) -> Msg:
        connection = await self._connected()
        asking = asyncio.ensure_future(
            connection.request(subject, body, timeout=timeout_s, headers=dict(headers) or None)
        )
        lost = asyncio.ensure_future(self._lost.wait())
        try:
            await asyncio.wait({asking, lost}, return_when=asyncio.FIRST_COMPLETED)
            if not asking.done():
                raise Unreachable("The connection to NATS broke before the answer came.")
            return asking.result()
        except MaxPayloadError as error:
            limit = f"NATS takes at most {connection.max_payload} bytes in a message."
            raise refused(Problem(status=413, detail=limit, next="Send less, or use an upload.")) from error
        except NoRespondersError as error:
            raise Unreachable("NATS is there, but no Tidings that answers for it.") from error
        except (Error, OSError) as error:
            raise Unreachable(f"No answer over NATS: {str(error) or type(error).__name__}") from error
        finally:
            asking.cancel()
            lost.cancel()

    async def _connected(self) -> Connection:
        async with self._connecting:
            if self._connection is None:
                self._connection = await self._connect()
        if not self._connection.is_connected:
            raise Unreachable("NATS is away. The connection comes back by itself.")
        return self._connection

    async def _connect(self) -> Connection:
        connection, said = Connection(), list[Exception]()

        async def failed(error: Exception) -> None:
            if not denied(said):  # what a refused server says after that, as it hangs up, tells nothing
                said[:] = [error]

        async def disconnected() -> None:
            self._lost.set()

        async def reconnected() -> None:
            self._lost.clear()
            for box in self._boxes:
                box.stir()

        try:
            async with asyncio.timeout(CONNECT_S):
                await connection.connect(
                    self._urls, name="tidings-sdk", error_cb=failed, disconnected_cb=disconnected,
                    reconnected_cb=reconnected, max_reconnect_attempts=-1, reconnect_time_wait=1, ping_interval=10,
                    user_credentials=self._credentials,
                )  # fmt: skip
        except (Error, OSError) as error:
            await connection.close()
            words = str(said[-1] if said else error)
            if denied(said):
                detail = "NATS does not know this user, or the password is wrong."
                raise refused(Problem(status=401, detail=detail, next="Give a URL with credentials.")) from error
            raise Unreachable(f"No answer from NATS: {words or 'it did not answer in time'}") from error
        self._lost.clear()  # tries before the first success count as losses
        return connection

    def _subject(self, kind: str, *more: str) -> str:
        """Subjects are made of single words: in what is none, each other character is written `_`."""
        return ".".join(["tidings.v1", kind, self._tenant, *(re.sub(r"[^\w-]", "_", word) for word in more)])


def denied(said: Sequence[Exception]) -> bool:
    return any("authorization" in str(each).lower() for each in said)


async def _once(body: bytes) -> AsyncIterator[bytes]:
    yield body
