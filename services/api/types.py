"""Job types: defined, read and listed by their tenant."""

from msgspec import Struct
from starlette.responses import Response

from projections.status.read import read_type, read_types
from schemas.commands import DefineType, IdempotencyKey
from schemas.ids import is_type_name
from schemas.jobtypes import JobType, problems_of
from schemas.problems import Fault, Problem
from services.api.answers import FRESH
from services.api.calls import Asked, Call, answer
from services.front.asked import accepted, position
from services.front.bodies import decode, invalid
from services.front.keyed import body_digest
from services.front.problems import not_found

TYPES_MAX = 1000  # listed at once; a tenant has tens


class NamedType(JobType, frozen=True, kw_only=True):
    """A job type with its name; every field is written."""

    name: str


class TypeList(Struct, frozen=True):
    """By name."""

    types: list[NamedType]


async def put_type(asked: Asked) -> Response:
    """Define a type, or change it for the jobs that come."""
    name = _name(asked)
    definition = decode(await asked.raw(), JobType)
    if wrong := problems_of(definition):
        raise invalid(*(Fault(pointer, detail) for pointer, detail in wrong))
    key = asked.named_key()
    kept = IdempotencyKey(f"PUT /v1/types/{name}", key, body_digest(definition, {})) if key else None
    command = DefineType(tenant=asked.tenant, cause=asked.cause(), key=kept, name=name, definition=definition)
    outcome = accepted(await asked.parts.jobs.do(command))
    view = _named(name, outcome.definition or definition)
    return answer(view, outcome.status, {"Location": f"/v1/types/{name}", **position(outcome)})


async def get_type(asked: Asked) -> Response:
    name: str = asked.request.path_params["name"]
    if not is_type_name(name):
        raise not_found(name)
    async with asked.parts.pool.acquire() as conn:
        found = await read_type(conn, asked.partition, asked.tenant, name)
    if found is None:
        raise not_found(name)
    return answer(_named(name, found), headers=FRESH)


async def get_types(asked: Asked) -> Response:
    async with asked.parts.pool.acquire() as conn:
        found = await read_types(conn, asked.partition, asked.tenant, "", TYPES_MAX)
    return answer(TypeList([_named(name, definition) for name, definition in found]), headers=FRESH)


def _name(asked: Asked) -> str:
    """A new name is no mistake in the path; one that can't be a name is told what it may be."""
    name: str = asked.request.path_params["name"]
    if not is_type_name(name):
        detail = 'must be lower-case words joined by dots, such as "orders.export", of at most 200 characters'
        raise invalid(Fault("name", detail))
    return name


def _named(name: str, definition: JobType) -> NamedType:
    fields = {field: getattr(definition, field) for field in JobType.__struct_fields__}
    return NamedType(name=name, **fields)


CALLS = (
    Call(
        method="PUT",
        path="/v1/types/{name}",
        handler=put_type,
        scopes=("types",),
        summary="Define a job type, or change it for the jobs that come",
        body=JobType,
        answers={200: NamedType, 201: NamedType},
        refuses=(Problem.TOO_LARGE, Problem.INVALID, Problem.KEY_REUSED),
        writes=True,
    ),
    Call(
        method="GET",
        path="/v1/types/{name}",
        handler=get_type,
        scopes=("read", "types", "work"),
        summary="A job type, every field written",
        answers={200: NamedType},
    ),
    Call(
        method="GET",
        path="/v1/types",
        handler=get_types,
        scopes=("read", "types", "work"),
        summary="All job types, by name",
        answers={200: TypeList},
    ),
)
