"""`tidings audit erase`: destroys a person's key, so that nothing private of theirs can be read any more."""

import os
from pathlib import Path

import msgspec

from services.commands.database import opened, servers
from services.commands.own_jobs import known_tenant, own_cause, own_jobs
from services.commands.target import data_folder, master_key
from services.files import Files
from services.private.erase import Erased
from services.private.erase import erase as erase_person
from services.private.vault import Vault


async def erase(data: Path | None, owner: str, tenant: str | None, *, as_json: bool) -> int:
    """Exit 0: nothing private of this person is kept any more."""
    async with (
        servers(data) as found,
        opened(found.database_url) as pool,
        own_jobs(pool, found.database_url, Vault(master_key(data))) as jobs,
    ):
        whose = await known_tenant(pool, tenant)
        # Of given servers only the setting says where files are; in a folder of ours they would look as if gone.
        given = data is None and "TIDINGS_DATABASE_URL" in os.environ and not os.environ.get("TIDINGS_FILES_URL")
        files = None if given else Files(files_url(data))
        erased, _ = await erase_person(jobs, pool, files, whose, owner, own_cause())
    print(msgspec.json.encode(erased).decode() if as_json else _words(erased))
    return 0


def files_url(data: Path | None) -> str:
    """Where uploads and results are: the setting, else the stack's folder."""
    given = os.environ.get("TIDINGS_FILES_URL")
    return given or (data_folder(data).expanduser().resolve() / "files").as_uri()


def _words(erased: Erased) -> str:
    if not erased.erased:
        return (
            f"Nothing private of {erased.owner} is kept. If you expected some, check the name: the owner of the jobs."
        )
    jobs = "1 open job was canceled" if erased.jobs_canceled == 1 else f"{erased.jobs_canceled} open jobs were canceled"
    files = "1 file was removed" if erased.files_removed == 1 else f"{erased.files_removed} files were removed"
    return f"Erased: nothing private of {erased.owner} can be read any more. {jobs}, {files}."
