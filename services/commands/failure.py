"""What a person reads when a command could not run."""

import sys
import traceback

import asyncpg
import httpx

from eventstore.archive.place import NoPlace
from eventstore.archive.write import Damaged
from eventstore.audit.bundle import BadBundle
from eventstore.audit.checkpoints import HistoryDamaged
from eventstore.audit.notes import BadKey, BadNote
from eventstore.jetstream import UnfitNats
from eventstore.migrate import CannotMigrate
from eventstore.private.keys import BadMasterKey
from projections.rebuild import CannotRebuild
from services.commands.export import CannotExport
from services.commands.own_jobs import NoTenant
from services.embedded.folder import CannotStart
from services.keys import BadKeyRequest
from services.settings import BadSetting


def tell(error: Exception) -> None:
    """One sentence and the next step for what can be expected; the whole trace for a fault of ours."""
    match error:
        case CannotStart():
            words = f"{error.problem}\n{error.next_step}"
        case Damaged() | HistoryDamaged():
            words = f"The history was changed: {error}.\nRun `tidings audit verify` to see where."
        case NoPlace():
            words = f"The archives can't be found: {error}."
        case BadNote() | BadBundle():
            words = f"The note or the log {error}."
        case (
            CannotExport()
            | NoTenant()
            | BadSetting()
            | BadKey()
            | BadMasterKey()
            | BadKeyRequest()
            | CannotMigrate()
            | CannotRebuild()
            | UnfitNats()
        ):
            words = str(error)
        case ModuleNotFoundError(name="pyarrow"):  # large, and few need it
            words = (
                "Parquet needs pyarrow, which is not installed.\n"
                "Install it: pip install 'tidings-server[parquet]'. Or export as NDJSON."
            )
        case httpx.TransportError():
            words = "The service does not answer.\nIs it running? Start it with `tidings up`."
        case OSError(filename=str(name), strerror=str(reason)):
            words = f"{name}: {reason}.\nName a file or folder that is there, and that you may read and write."
        case OSError() | asyncpg.PostgresError():
            words = f"{error}\nCheck the URL, and that the server runs."
        case _:
            traceback.print_exception(error)
            return
    print(words, file=sys.stderr)
