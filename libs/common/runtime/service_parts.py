"""What one service is made of."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from pathlib import Path

from starlette.routing import BaseRoute

from libs.common.contracts.base import Event
from libs.common.database.engine import Database
from libs.common.observability.health import Check
from libs.common.observability.metrics import Metrics
from libs.common.processing.job_kind import JobRoute
from libs.common.processing.routes import Route
from libs.common.settings import CommonSettings, ServiceSettings
from libs.common.storage.port import Storage


@dataclass(kw_only=True)
class ServiceParts:
    """Built by the ``app.py`` of a service.

    ``resources`` are entered before anything runs and left at the very end; ``starting`` is awaited
    once the database is there; ``http_routes`` come beside health and metrics; ``checks`` are
    further rows of the page of readiness. Where ``works`` is false, another process of the service
    consumes, relays and does jobs, and this one does not.
    """

    name: str
    migrations: Path
    publishes: Sequence[type[Event]]
    routes: Sequence[Route]
    work: Sequence[JobRoute]
    settings: ServiceSettings
    common: CommonSettings
    database: Database
    storage: Storage
    metrics: Metrics
    resources: Sequence[AbstractAsyncContextManager[object]] = ()
    starting: Callable[[], Awaitable[None]] | None = None
    http_routes: Sequence[BaseRoute] = ()
    checks: Mapping[str, Check] = field(default_factory=dict)
    keep_events: bool = False
    works: bool = True
