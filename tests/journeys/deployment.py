"""The five services as processes, on real Kafka, PostgreSQL and S3, and what tests do to them."""

import asyncio
import json
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any
from uuid import uuid4

import psutil
from sqlalchemy import text
from sqlalchemy.engine import make_url
from sqlalchemy.ext.asyncio import create_async_engine

from deploy.native.services import PREPARATIONS, ROOT, SERVICES
from libs.common.database.connection_limits import DatabaseLimits
from libs.common.database.engine import Database
from libs.common.testing import moto_s3
from libs.common.testing.processes import Program, ServerProcess, free_ports, run
from libs.common.testing.proxies.wire import Wire
from libs.common.testing.servers import NativeKafka, NativePostgres
from libs.common.testing.starters import S3Server
from tests.journeys.outside import Outside, outside

READY_TIMEOUT_S = 60.0
DRAIN_LIMIT_S = 25.0
DRAIN_S = 12.0
"""What services are told: work that needs more than 5 s of it is given back."""
QUICK = {
    "LECTERN_TOPIC_PARTITIONS": "3",
    "LECTERN_JOB_LEASE_SECONDS": "3",
    "LECTERN_JOB_POLL_INTERVAL_MS": "100",
    "LECTERN_RELAY_POLL_INTERVAL_MS": "50",
    "LECTERN_SESSION_TIMEOUT_MS": "6000",
    "LECTERN_DRAIN_TIMEOUT_SECONDS": str(DRAIN_S),
    "LECTERN_DATABASE_LOCK_TIMEOUT_SECONDS": "2",
    "LECTERN_DATABASE_IDLE_TIMEOUT_SECONDS": "3",
    "LECTERN_ERASURE_SWEEP_SECONDS": "5",
    "GATEWAY_SIGN_UP": "open",
    "GATEWAY_SECURE_COOKIES": "false",
    "SYNTH_WORKERS": "2",
    "SYNTH_NETWORK_WORKERS": "2",
    "SEGMENTER_WORKERS": "1",
    "GATEWAY_RATE_LIMITS": "false",
}
"""What makes a small machine answer soon."""


@dataclass(kw_only=True)
class Deployment:
    """A running Lectern. Names are those of services; ``synth-2`` is a second replica of synth.

    ``wire`` is between services and PostgreSQL, ``kafka_wire`` between everybody and Kafka.
    """

    kafka: NativeKafka
    kafka_wire: Wire
    postgres: NativePostgres
    wire: Wire
    world: Outside
    databases: Mapping[str, str]
    environment: Mapping[str, str]
    bucket: str
    logs: Path
    processes: dict[str, ServerProcess] = field(default_factory=dict)
    ports: dict[str, int] = field(default_factory=dict)
    asked: set[str] = field(default_factory=set)

    def start(self, *names: str, role: str = "all") -> None:
        """Start services; they become ready when they can. ``role`` is for the gateway."""
        for name in names:
            service = name.partition("-")[0]
            if name not in self.ports:
                (self.ports[name],) = free_ports(1)
            port = {f"{service.upper()}_HTTP_PORT": str(self.ports[name])}
            program = Program(
                name=name,
                command=[sys.executable, "-m", f"services.{service}"],
                log=self.logs / f"{name}.log",
                directory=ROOT,
                environment={**self.environment, **port, "GATEWAY_ROLE": role},
            )
            self.processes[name] = ServerProcess(program, guarded=True)

    def start_missing(self) -> None:
        """Start whichever of the five does not run, and return when all are ready."""
        self.start(*(service for service in SERVICES if service not in self.processes))
        self.wait_until_ready(*SERVICES)

    def drop_ended(self) -> dict[str, int]:
        """Forget processes that ended, and return their exit codes."""
        codes = {name: process.exit_code for name, process in self.processes.items()}
        ended = {name: code for name, code in codes.items() if code is not None}
        for name in ended:
            del self.processes[name]
        self.asked -= ended.keys()
        return ended

    def wait_until_ready(self, *names: str) -> None:
        for name in names:
            self.processes[name].wait_until(partial(self.is_ready, name), READY_TIMEOUT_S)

    def kill(self, name: str) -> None:
        """Kill a service without warning; its own worker processes must not outlive it."""
        process = self.processes.pop(name)
        children = psutil.Process(process.pid).children(recursive=True)
        process.kill()
        _, alive = psutil.wait_procs(children, timeout=10)
        left = [child for child in alive if child.status() != psutil.STATUS_ZOMBIE]
        assert not left, f"{name} left processes behind: {left}"

    def ask_to_stop(self, name: str) -> psutil.Process:
        """Send SIGTERM and return at once; :meth:`stop` then only waits."""
        self.asked.add(name)
        process = psutil.Process(self.processes[name].pid)
        process.terminate()
        return process

    def stop(self, name: str) -> tuple[int, float]:
        """Stop a service in order; return its exit code and how long it took, in seconds."""
        began = time.monotonic()
        process = self.processes.pop(name)
        end = process.wait if name in self.asked else process.stop
        self.asked.discard(name)
        code = end(DRAIN_LIMIT_S)
        return code, time.monotonic() - began

    def stop_all(self) -> dict[str, int]:
        """Stop everything that runs, at the same time; return the exit codes."""
        names = list(self.processes)
        if not names:
            return {}
        with ThreadPoolExecutor(len(names)) as pool:
            stopped = list(pool.map(self.stop, names))
        return {name: code for name, (code, _) in zip(names, stopped, strict=True)}

    def url(self, name: str) -> str:
        return f"http://127.0.0.1:{self.ports[name]}"

    def is_ready(self, name: str) -> bool:
        return self.page(name, "/health/ready/")[0] == 200

    def page(self, name: str, path: str) -> tuple[int, str]:
        """Return the status and body of one of a service's pages; status 0: nobody answers."""
        try:
            with urllib.request.urlopen(self.url(name) + path, timeout=5) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.read().decode()
        except OSError:
            return 0, ""

    def checks(self, name: str) -> dict[str, str]:
        """What the readiness page says of each dependency."""
        body = self.page(name, "/health/ready/")[1]
        rows: dict[str, Any] = json.loads(body)["checks"] if body else {}
        return {name: row["status"] for name, row in rows.items()}

    def database(self, service: str) -> Database:
        """A service's database, reached directly and without limits, even while the wire is cut."""
        no_limits = DatabaseLimits(lock_s=0, statement_s=0, idle_s=0, answer_s=0)
        return Database(self.databases[service], pool_size=2, limits=no_limits)

    def log_of(self, name: str) -> str:
        return (self.logs / f"{name}.log").read_text(errors="replace")


@contextmanager
def deployed(
    kafka: NativeKafka, postgres: NativePostgres, s3: S3Server, logs: Path
) -> Iterator[Deployment]:
    """Prepare databases, bucket and topics, run the five services, and stop them at the end.

    ``kafka`` is behind a wire.
    """
    postgres_url = postgres.url()
    assert kafka.wire is not None
    databases = asyncio.run(_create_databases(postgres_url))
    bucket = f"journey-{uuid4().hex[:12]}"
    moto_s3.create_bucket(s3.endpoint, bucket, s3.access_key_id, s3.secret_access_key)
    server = make_url(postgres_url)
    wire = Wire(server.host or "127.0.0.1", server.port or 5432)
    wire.mend()
    with outside() as world:
        environment = {
            **QUICK,
            **world.environment(),
            "LECTERN_KAFKA_BOOTSTRAP_SERVERS": kafka.bootstrap,
            "LECTERN_STORAGE_URL": f"s3://{bucket}?endpoint={s3.endpoint}&region=us-east-1",
            "LECTERN_S3_ACCESS_KEY_ID": s3.access_key_id,
            "LECTERN_S3_SECRET_ACCESS_KEY": s3.secret_access_key,
            **{
                f"{name.upper()}_DATABASE_URL": _through(url, wire.port)
                for name, url in databases.items()
            },
        }
        found = Deployment(
            kafka=kafka,
            kafka_wire=kafka.wire,
            postgres=postgres,
            wire=wire,
            world=world,
            databases=databases,
            environment=environment,
            bucket=bucket,
            logs=logs,
        )
        _prepare(environment)
        try:
            found.start_missing()
            yield found
        finally:
            wire.mend()
            kafka.wire.mend()
            codes = found.stop_all()
            asyncio.run(_drop_databases(postgres_url, databases))
            wire.close()
    assert set(codes.values()) <= {0}, f"exit codes {codes}; logs are in {logs}"


def _prepare(environment: Mapping[str, str]) -> None:
    def lectern(command: tuple[str, ...]) -> None:
        run([sys.executable, "-m", "lectern", *command], directory=ROOT, environment=environment)

    with ThreadPoolExecutor() as pool:
        list(pool.map(lectern, PREPARATIONS))


def _through(url: str, port: int) -> str:
    wired = make_url(url).set(host="127.0.0.1", port=port)
    return wired.render_as_string(hide_password=False)


async def _create_databases(postgres_url: str) -> dict[str, str]:
    run_id = uuid4().hex[:8]
    names = {service: f"{service}_{run_id}" for service in SERVICES}
    await _execute(postgres_url, [f"CREATE DATABASE {name}" for name in names.values()])
    server = make_url(postgres_url)
    return {
        service: server.set(database=name).render_as_string(hide_password=False)
        for service, name in names.items()
    }


async def _drop_databases(postgres_url: str, databases: Mapping[str, str]) -> None:
    names = [make_url(url).database for url in databases.values()]
    with suppress(OSError):
        await _execute(postgres_url, [f"DROP DATABASE {name} WITH (FORCE)" for name in names])


async def _execute(postgres_url: str, statements: list[str]) -> None:
    engine = create_async_engine(postgres_url, isolation_level="AUTOCOMMIT")
    try:
        async with engine.connect() as connection:
            for statement in statements:
                await connection.execute(text(statement))
    finally:
        await engine.dispose()
