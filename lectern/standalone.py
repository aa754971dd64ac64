"""All five services in one process: embedded broker, SQLite files, a folder.

The code is that of the deployment; only the addresses differ.
"""

import asyncio
import math
import os
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic
from typing import Any

from pydantic_settings import BaseSettings

import services.gateway.app
from lectern.data_folder import data_folder_secret, locked, mail_link_key, temporary_files
from lectern.embedded_broker import EmbeddedBroker
from lectern.recovery import Sweeper, release_left
from lectern.service_catalog import SERVICES, consumed_topics, consumers
from libs.common.errors import Permanent
from libs.common.kafka.fetching import FULL_AT, FetchOnDemand
from libs.common.kafka.topic_specs import declared_topics
from libs.common.processing.capacity.backpressure import Backpressure
from libs.common.processing.capacity.isolation import Isolation
from libs.common.runtime.descriptors import within_descriptors
from libs.common.runtime.service import Service
from libs.common.settings import CommonSettings, load, variable
from libs.common.store.migrate import upgrade
from services.gateway.app import Assembly
from services.gateway.settings import Settings as GatewaySettings
from services.notifier.settings import Settings as NotifierSettings
from services.synth.settings import Settings as SynthSettings

PARTITIONS = 1
LOOK_EVERY_S = 0.5
SEGMENTS = {"share_segments": True, "keep_all_segments": True}
"""One person listens, and a folder of theirs costs nothing for each page that is kept."""
LIMITS = {
    "max_characters_per_owner_and_day": 0,
    "rate_limits": False,
    "secure_cookies": False,
}
"""No daily limit, since one person pays for their own engine, none by the hour, since nobody else
waits for their machine, and no HTTPS on it, unless GATEWAY_PUBLIC_URL says that there is a proxy
which speaks it."""


@dataclass(frozen=True, kw_only=True)
class Options:
    """How standalone runs. ``port`` None: no service listens anywhere but on a free port."""

    data: Path
    host: str = "127.0.0.1"
    port: int | None = None
    log_level: str = "WARNING"
    drain_timeout_seconds: float = 25.0
    settings: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)


@dataclass(kw_only=True)
class Standalone:
    """A running Lectern; made by :func:`running`.

    ``data_folder_secret`` has 32 bytes, and is the same at every start.
    """

    gateway: Assembly
    services: Mapping[str, Service]
    stopping: asyncio.Event
    data_folder_secret: bytes = field(repr=False)

    @property
    def engines(self) -> set[str]:
        """The engines that synth offers."""
        settings = self.services["synth"].parts.settings
        return set(settings.engines) if isinstance(settings, SynthSettings) else set()

    @property
    def asked_to_stop(self) -> bool:
        """Whether it stopped because somebody asked, not because a service failed."""
        return not any(service.failed for service in self.services.values())

    async def until_ready(self, patience_s: float = math.inf) -> None:
        """Return when all services work.

        Raises:
            LecternError: What one of them still waits for after ``patience_s``, or at once what
                will not pass by itself; Permanent if one of them stopped.
        """
        until = monotonic() + patience_s
        for service in self.services.values():
            while not service.ready.is_set():
                await self._wait_a_moment(service.ready)
                if self.stopping.is_set():
                    raise Permanent("a service could not start; the log says why")
                lasting = isinstance(service.hindrance, Permanent) and patience_s < math.inf
                if not service.ready.is_set() and (lasting or monotonic() > until):
                    raise service.hindrance

    async def _wait_a_moment(self, ready: asyncio.Event) -> None:
        waiting = [asyncio.create_task(event.wait()) for event in (ready, self.stopping)]
        await asyncio.wait(waiting, timeout=LOOK_EVERY_S, return_when=asyncio.FIRST_COMPLETED)
        for task in waiting:
            task.cancel()


@asynccontextmanager
async def running(options: Options) -> AsyncIterator[Standalone]:
    """Run all services while the block does.

    Raises:
        DataFolderInUse: Another process works in the data folder.
        DataFolderUnusable: The data folder cannot be made or written.
        CannotListen: A port is taken.
    """
    topics = {topic.name: topic.partitions for topic in declared_topics(consumers(), 1, PARTITIONS)}
    with locked(options.data), temporary_files(options.data), EmbeddedBroker(topics) as broker:
        secret = data_folder_secret(options.data)
        stopping = asyncio.Event()
        fetches = FetchOnDemand()
        common = common_settings(options, broker.bootstrap, secret)
        # Working out what the API has takes 0.1 s, and others may be served in this loop already.
        gateway = await asyncio.to_thread(_gateway, options, common)
        started = _build(options, common, gateway, stopping, fetches)
        for spec in SERVICES:
            await upgrade(started[spec.name].parts.database, spec.migrations)
        databases = {name: service.parts.database for name, service in started.items()}
        await release_left(databases.values())
        sweeper = Sweeper(databases, consumed_topics(), consumption=fetches)
        sweeping = asyncio.create_task(sweeper.run())
        begun: list[Service] = []
        try:
            for service in started.values():
                begun.append(service)
                await service.start()
            yield Standalone(
                gateway=gateway, services=started, stopping=stopping, data_folder_secret=secret
            )
        finally:
            sweeping.cancel()
            await asyncio.wait([sweeping])  # before the databases are closed under it
            await asyncio.gather(*(service.stop() for service in begun))
            for service in list(started.values())[len(begun) :]:
                await service.parts.database.close()


def common_settings(options: Options, bootstrap: str, secret: bytes) -> CommonSettings:
    """Return the settings that standalone runs with; the environment may add to them.

    Links in mails are made with the ``secret`` of the data folder, unless there is a key for them.
    """
    own = (
        {} if _is_set(CommonSettings, "mail_link_key") else {"mail_link_key": mail_link_key(secret)}
    )
    common = load(CommonSettings, **common_overrides(options, bootstrap), **own)
    return within_descriptors(common, servers=len(SERVICES))


def common_overrides(options: Options, bootstrap: str) -> dict[str, Any]:
    """Return what standalone sets for all services, whatever the environment says."""
    return {
        "kafka_bootstrap_servers": bootstrap,
        "kafka_security_protocol": "PLAINTEXT",
        "kafka_compression": None,
        "storage_url": (options.data / "objects").resolve().as_uri(),
        "bind_host": options.host,
        "metrics_port": None,  # five services would want the same one
        "log_level": options.log_level,
        # Wakeups tell of all work of this process; polling finds what is due later. Each look
        # costs 4 ms, five services make it.
        "relay_poll_interval_ms": 10_000,
        "job_poll_interval_ms": 3000,
        # The embedded broker drops what is not fetched in time: a full topic and a batch must fit.
        "relay_batch_size": FULL_AT // 2,
        # A fetch is made when there is something. One that finds nothing takes this long.
        "fetch_max_wait_ms": 20,
        "drain_timeout_seconds": options.drain_timeout_seconds,
    }


def service_settings(options: Options, name: str) -> dict[str, Any]:
    """Return what standalone sets for one service."""
    number = [spec.name for spec in SERVICES].index(name)
    return {
        "database_url": f"sqlite+aiosqlite:///{_database(options, name)}",
        "http_port": 0 if options.port is None else options.port + number,
        **(SEGMENTS if name == "synth" else {}),
        **(_gateway_settings() if name == "gateway" else {}),
        **(_notifier_settings(options) if name == "notifier" else {}),
        **options.settings.get(name, {}),
    }


def _gateway_settings() -> dict[str, Any]:
    """Return what suits one person and one process, unless the environment says otherwise."""
    public_url = os.environ.get(variable(GatewaySettings, "public_url"), "")
    suiting = LIMITS | {"secure_cookies": public_url.startswith("https://")}
    limits = {name: most for name, most in suiting.items() if not _is_set(GatewaySettings, name)}
    return {"role": "all", **limits}


def _notifier_settings(options: Options) -> dict[str, Any]:
    """Return where links in mails lead, unless the environment says so."""
    if options.port is None or _is_set(NotifierSettings, "public_url"):
        return {}
    return {"public_url": f"http://{options.host}:{options.port}"}


def _is_set(settings: type[BaseSettings], name: str) -> bool:
    return bool(os.environ.get(variable(settings, name)))


def _gateway(options: Options, common: CommonSettings) -> Assembly:
    settings = load(GatewaySettings, **service_settings(options, "gateway"))
    return services.gateway.app.assemble(common, settings)


def _build(
    options: Options,
    common: CommonSettings,
    gateway: Assembly,
    stopping: asyncio.Event,
    fetches: FetchOnDemand,
) -> dict[str, Service]:
    isolation = Isolation()
    built: dict[str, Service] = {}
    for spec in SERVICES:
        if spec.name == gateway.parts.name:
            parts = gateway.parts
        else:
            settings = load(spec.settings, **service_settings(options, spec.name))
            parts = spec.build(common, settings)
        built[spec.name] = Service(
            parts=parts,
            stopping=stopping,
            clients=fetches.clients(),
            isolation=isolation,
            backpressure=_backpressure(spec.name, fetches),
        )
    return built


def _backpressure(name: str, fetches: FetchOnDemand) -> Backpressure:
    """Return what keeps documents in ingest, where they begin, while others fill the topics."""
    return Backpressure(backlog=fetches.backlog) if name == "ingest" else Backpressure()


def _database(options: Options, name: str) -> Path:
    return (options.data / f"{name}.db").resolve()
