"""The SDK's worker with a handler that does nothing: `python -m bench._worker URL KEY SLOTS JOBS`.

Says `{"ready": true}`, works on so many jobs of the benches' type, ends them all, and says how long that took.
"""

import json
import sys
import time

import uvloop

from bench.load import TYPE
from tidings import Context, Worker


async def main(url: str, key: str, slots: int, jobs: int) -> None:
    worker = Worker(url, api_key=key, slots=slots)
    left = jobs
    starts: list[float] = []

    @worker.job(TYPE)
    async def nothing(_: Context) -> None:
        nonlocal left
        starts.append(time.time())
        left -= 1
        if not left:
            worker.stop()

    print(json.dumps({"ready": True}), flush=True)
    began = time.perf_counter()
    await worker.run()
    print(json.dumps({"seconds": time.perf_counter() - began, "starts": starts}), flush=True)


if __name__ == "__main__":
    uvloop.run(main(sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])))
