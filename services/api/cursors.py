"""Where a page ends, as an opaque text: base64url of a list's name and the last row's place in it."""

import base64

import msgspec
from msgspec import Struct

from schemas.problems import Fault
from services.api.calls import Asked
from services.front.bodies import invalid

NUMBER_MAX = 2**63 - 1


class Place(Struct, frozen=True, array_like=True):
    """The last row of a page: its number, and its id where numbers may be equal. `of` names the list."""

    of: str
    number: int
    id: str = ""


def cursor(of: str, number: int, id_: str = "") -> str:
    return base64.urlsafe_b64encode(msgspec.json.encode(Place(of, number, id_))).rstrip(b"=").decode()


def place_in(asked: Asked, of: str, default: int) -> Place:
    """Where the wanted page begins. Raises Refused (422) for what no page of this list gave."""
    given = asked.parameter("cursor")
    if given is None:
        return Place(of, default)
    try:
        raw = base64.b64decode(given + "=" * (-len(given) % 4), altchars=b"-_", validate=True)
        place = msgspec.json.decode(raw, type=Place)
    except ValueError:  # of base64, of JSON, of its form
        raise _bad() from None
    if place.of != of or not -1 <= place.number <= NUMBER_MAX or "\0" in place.id:
        raise _bad()
    return place


def _bad() -> Exception:
    return invalid(Fault("cursor", 'must be the "next" of a page of this list; leave it out for the first page'))
