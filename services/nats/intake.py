"""The command queue, carried out: a batch at a time, in order, acknowledged after the commit.

What is redelivered was carried out before or not at all: its key tells. What can't be obeyed becomes a rejection
before its acknowledgement. While the database is away everything is given back for later, so nothing is lost.
"""

import asyncio
import contextlib
from collections.abc import Iterable, Iterator, Sequence

import msgspec
import structlog
from msgspec import Struct
from msgspec.structs import replace
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.js import JetStreamContext
from nats.js.api import AckPolicy, ConsumerConfig

from eventstore import jetstream, postgres
from schemas import subjects
from schemas.commands import Command, Outcome
from schemas.problems import Fault, Problem, Rejection
from services.front import jobs
from services.front.asked import Parts
from services.front.problems import MEDIA_TYPE, ProblemBody, Refused, problem_body
from services.jobs.handler import Unavailable
from services.nats.commands import Commanded, command_of, unknown_job
from services.nats.named import NotMade
from services.nats.pulling import Lost, Pull

log = structlog.get_logger()

CONSUMER = "intake"
AHEAD = 512  # messages in one process, besides those being carried out: one append's worth
UNANSWERED_MAX = 8192  # of all processes together
ANSWER_MAX_S = 20.0  # then NATS gives the message to somebody else: this one has died, or it does no harm
LATER_S = 1.0  # before a message is tried again while the database is away or busy
OVERTAKEN_S = 0.2  # before one is tried again that came before the command it names
TRIES_MAX = 5  # of a message that meets a bug of ours

FREE_FORM = ("/input", "/settings")  # whose fields' names may be data as well

AWAY = (Unavailable, *postgres.AWAY)


class RejectionBody(ProblemBody, frozen=True, kw_only=True):
    """A refused command, as its sender reads it."""

    command_id: str


class Later(Struct, frozen=True):
    """Neither carried out nor refused: to be delivered again after a pause."""

    seconds: float


class Order(Struct, frozen=True):
    """A message on its way."""

    msg: Msg
    asked: Commanded


Fate = Outcome | Rejection | Later


class Intake:
    """Any number may run: they share one durable consumer, and each message goes to one of them."""

    def __init__(self, client: Client, parts: Parts) -> None:
        self._client = client
        self._js: JetStreamContext = client.jetstream()
        self._parts = parts
        self._pull: Pull | None = None
        self._ended = False
        self._pauses = postgres.pauses()

    async def run(self) -> None:
        """Until `end`; what is being carried out then is answered first."""
        while not self._ended:
            try:
                await self._listen()
            except (Lost, *jetstream.AWAY) as error:
                pause = next(self._pauses)
                log.warning("the command queue can't be read", error=repr(error), again_s=pause)
                await asyncio.sleep(pause)

    def end(self) -> None:
        self._ended = True
        if self._pull:
            self._pull.end()

    async def _listen(self) -> None:
        await ensure_queue(self._js, self._parts.settings.nats_replicas)
        async with Pull(self._client, subjects.COMMANDS_STREAM, CONSUMER, ahead=AHEAD) as self._pull:
            if self._ended:
                return
            while messages := await self._pull.take():
                self._pauses = postgres.pauses()
                for group in groups(Order(msg, Commanded(self._parts, msg)) for msg in messages):
                    await self._carry_out(group)

    async def _carry_out(self, orders: Sequence[Order]) -> None:
        made = await asyncio.gather(*(self._made(order) for order in orders))
        commands = [each for each in made if isinstance(each, Command)]
        done = await asyncio.gather(*(self._parts.jobs.do(each) for each in commands), return_exceptions=True)
        answers = iter(done)
        fates = [next(answers) if isinstance(each, Command) else each for each in made]
        await asyncio.gather(*(self._settle(order, fate) for order, fate in zip(orders, fates, strict=True)))

    async def _made(self, order: Order) -> Command | Rejection | Later | Exception:
        try:
            return await self._command(order)
        except Refused as refusal:
            return refusal.rejection
        except Exception as error:  # noqa: BLE001 - judged with those of the decision
            return error

    async def _command(self, order: Order) -> Command | Rejection | Later:
        """A command may come before its submit, if another process has that one.

        The queue keeps what is not done; so once nothing before this command is left in it, a second look is final.
        """
        with contextlib.suppress(NotMade):
            return await command_of(order.asked)
        info = await self._js.stream_info(subjects.COMMANDS_STREAM)
        if info.state.first_seq < order.msg.metadata.sequence.stream:
            return Later(OVERTAKEN_S)
        try:
            return await command_of(order.asked)
        except NotMade as error:
            return unknown_job(error.command_id, "/command_id")

    async def _settle(self, order: Order, answer: Fate | BaseException) -> None:
        """Acknowledge what was answered; everything else comes again."""
        try:
            fate = await self._fate(order, answer)
            if isinstance(fate, Later):
                await order.msg.nak(delay=fate.seconds)
                return
            if isinstance(fate, Rejection):
                await self._reject(order.asked, fate)
            await order.msg.ack()
        except Exception as error:  # noqa: BLE001 - NATS or the database away, or a bug: none may end the queue
            log.warning("a command's answer waits", command=order.asked.command_id, error=repr(error))
            with contextlib.suppress(*jetstream.AWAY):
                await order.msg.nak(delay=LATER_S)

    async def _fate(self, order: Order, answer: Fate | BaseException) -> Fate:
        match answer:
            case Rejection() if answer.problem in {Problem.BUSY, Problem.UNAVAILABLE}:
                return Later(LATER_S)
            case Rejection():
                outcome = await jobs.with_plan(order.asked, order.asked.about, answer)
                assert isinstance(outcome, Rejection)  # noqa: S101 - it only adds the plan
                return outcome
            case Outcome() | Later():
                return answer
            case Exception():
                return self._failed(order, answer)
            case _:
                raise answer

    def _failed(self, order: Order, error: Exception) -> Rejection | Later:
        """The database is away, or a bug of ours: that is tried again a few times, and never in the way of others."""
        tries = order.msg.metadata.num_delivered
        if isinstance(error, AWAY) or tries < TRIES_MAX:
            log.warning("a command failed", command=order.asked.command_id, tries=tries, error=repr(error))
            return Later(LATER_S)
        log.error("a command fails again and again", command=order.asked.command_id, exc_info=error)
        return Rejection(Problem.BROKEN)

    async def _tellable(self, asked: Commanded, rejection: Rejection) -> Rejection:
        """A rejection is kept for days: where a tenant has private fields, no name from inside a body stands in it."""
        cut = tuple(_cut(fault) for fault in rejection.faults)
        if cut == rejection.faults:
            return rejection
        async with self._parts.pool.acquire() as conn:
            private = await self._parts.vault.any_private(conn, asked.partition, asked.tenant)
        return replace(rejection, faults=cut) if private else rejection

    async def _reject(self, asked: Commanded, rejection: Rejection) -> None:
        """Once for each message of the queue: a redelivered one has the same id, and NATS drops the second."""
        problem = problem_body(await self._tellable(asked, rejection), asked.language)
        fields = {name: getattr(problem, name) for name in ProblemBody.__struct_fields__}
        body = msgspec.json.encode(RejectionBody(**fields, command_id=_shown(asked.command_id)))
        headers = {"Nats-Msg-Id": f"rejected {asked.place}", "Content-Type": MEDIA_TYPE}
        await self._js.publish(subjects.rejections(asked.mailbox), body, headers=headers)
        log.info("command rejected", tenant=asked.tenant, problem=rejection.problem.code)


def groups(orders: Iterable[Order]) -> Iterator[list[Order]]:
    """Cut before a command that names another one of the same batch: that one must be carried out first."""
    group: list[Order] = []
    for order in orders:
        named = order.asked.names()
        if named is not None and any(named == before.asked.command_id for before in group):
            yield group
            group = []
        group.append(order)
    if group:
        yield group


async def ensure_queue(js: JetStreamContext, replicas: int) -> None:
    """The streams that commands come and rejections go by, and the consumer that all processes share."""
    for config in jetstream.shared_configs(replicas):
        if config.name in {subjects.COMMANDS_STREAM, subjects.REJECTIONS_STREAM}:
            await jetstream.ensure_stream(js, config)
    consumer = ConsumerConfig(
        durable_name=CONSUMER,
        ack_policy=AckPolicy.EXPLICIT,
        ack_wait=ANSWER_MAX_S,
        max_deliver=-1,
        max_ack_pending=UNANSWERED_MAX,
    )
    await js.add_consumer(subjects.COMMANDS_STREAM, consumer)


def _cut(fault: Fault) -> Fault:
    """Its pointer no further than the fields that have a form of their own."""
    field = next((each for each in FREE_FORM if fault.pointer.startswith(f"{each}/")), None)
    return replace(fault, pointer=field) if field else fault


def _shown(command_id: str) -> str:
    """What can't be an id is shown as far as it can."""
    return "".join(char for char in command_id if char.isprintable())[:200]
