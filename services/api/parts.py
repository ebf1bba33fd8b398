"""What the calls work with, made once for a process."""

from msgspec import Struct

from eventstore.partitions import partition_of
from eventstore.postgres import Pool
from services.api.auth import Keys
from services.api.links import Links
from services.api.metrics import Metrics
from services.api.screens import Screens
from services.files import Files
from services.jobs.service import JobService
from services.settings import Settings
from services.work.tokens import LeaseTokens
from services.work.waiting import WaitingClaims


class Parts(Struct, frozen=True, kw_only=True):
    """The parts of a running API."""

    settings: Settings
    pool: Pool
    jobs: JobService
    files: Files
    keys: Keys
    links: Links
    tokens: LeaseTokens
    claims: WaitingClaims
    screens: Screens
    metrics: Metrics

    def partition(self, tenant: str) -> int:
        return partition_of(tenant, self.settings.partitions)
