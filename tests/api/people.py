"""People with something private, and what must never be found of it."""

from tests.api.client import Api, Json

PRIVATE = ["title", "input.*", "settings.filter", "items", "problem", "result", "uploads"]
SECRETS = [
    "Quokka letter",
    "zebrafinch",
    "okapi@example",
    "axolotl says",
    "narwhal.csv",
    "pangolin,tapir",
    "numbat",
    "list.csv",
]
FILE = b"pangolin,tapir\n" * 20_000  # several segments


async def private_job(api: Api, **more: object) -> str:
    upload = (await api.upload(FILE, "list.csv"))["id"]
    body = {
        "title": "Quokka letter",
        "input": {"upload": upload, "prompt": "zebrafinch"},
        "settings": {"filter": "numbat", "depth": 3},
    }
    return await api.job(**{**body, **more})


async def finished_job(api: Api, **more: object) -> tuple[str, Json]:
    """A private job with a failed item and a result file; and what the worker was given."""
    job = await private_job(api, **more)
    (given,) = await api.claim()
    items = {"items": [{"row": 7, "column": "mail", "reason": "axolotl says no", "value": "okapi@example"}]}
    assert (await api.report(given["lease"], "problems", items)).status_code == 200
    result = {"upload": (await api.upload(FILE, "narwhal.csv"))["id"]}
    done = await api.report(given["lease"], "finish", {"result": result})
    assert done.status_code == 200, done.text
    return job, given
