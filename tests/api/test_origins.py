"""Product pages on other origins: those that the setting names may embed the screens, no other one."""

import pytest
from msgspec.structs import replace

from services.settings import Settings
from tests.api.client import Api

SHOP, OTHER, STRANGE = "https://shop.example", "http://127.0.0.1:9", "https://shop.example.evil"
ASKS = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "authorization,idempotency-key"}


@pytest.fixture(scope="module")
def settings(settings: Settings) -> Settings:
    return replace(settings, allowed_origins=f"{SHOP},{OTHER}")


@pytest.mark.parametrize("origin", [SHOP, OTHER])
async def test_a_named_origin_may_call(api: Api, origin: str) -> None:
    await api.define()
    asked = await api.http.options("/v1/jobs", headers={"Origin": origin, **ASKS})
    assert asked.status_code == 200
    assert asked.headers["access-control-allow-origin"] == origin
    assert "idempotency-key" in asked.headers["access-control-allow-headers"].lower()
    wish = {"type": "orders.export", "owner": "ann"}
    answer = await api.http.post("/v1/jobs", json=wish, headers={"Origin": origin})
    assert answer.status_code == 201
    assert answer.headers["access-control-allow-origin"] == origin
    assert "Location" in answer.headers["access-control-expose-headers"]
    assert "access-control-allow-credentials" not in answer.headers


async def test_an_answer_that_is_kept_names_each_origin_alone(api: Api) -> None:
    """A waiting job's answer is sent again as it is: what one page was told must not reach the next one."""
    await api.define()
    job = (await api.http.post("/v1/jobs", json={"type": "orders.export", "owner": "ann"})).json()
    for origin in (SHOP, OTHER, SHOP):
        answer = await api.http.get(f"/v1/jobs/{job['id']}", headers={"Origin": origin})
        assert answer.headers.get_list("access-control-allow-origin") == [origin]
    alone = await api.http.get(f"/v1/jobs/{job['id']}")
    assert "access-control-allow-origin" not in alone.headers


async def test_a_refusal_can_be_read_there_too(api: Api) -> None:
    answer = await api.http.get("/v1/jobs", headers={"Origin": SHOP, "Authorization": "Bearer wrong"})
    assert answer.status_code == 401
    assert answer.headers["access-control-allow-origin"] == SHOP


async def test_a_stream_and_the_script_come_through(api: Api) -> None:
    async with api.http.stream("GET", "/v1/stream", params={"owner": "ann"}, headers={"Origin": SHOP}) as stream:
        assert stream.headers["access-control-allow-origin"] == SHOP
    script = await api.http.get("/web/tidings.js", headers={"Origin": SHOP})
    assert script.headers["access-control-allow-origin"] == SHOP
    assert "Origin" in script.headers["vary"]


@pytest.mark.parametrize("origin", [STRANGE, "null", "http://shop.example"])
async def test_any_other_origin_may_not(api: Api, origin: str) -> None:
    asked = await api.http.options("/v1/jobs", headers={"Origin": origin, **ASKS})
    assert asked.status_code == 400
    answer = await api.http.get("/v1/jobs", headers={"Origin": origin})
    for each in (asked, answer):
        assert "access-control-allow-origin" not in each.headers
