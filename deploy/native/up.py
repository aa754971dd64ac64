"""Start Kafka, PostgreSQL and S3 on free loopback ports, then the five services.

    python -m deploy.native.up [--servers]

``--servers`` leaves the services out. Addresses are written to ``.native/env`` (read it into a
shell with ``set -a; . .native/env``), process ids to ``.native/pids.json``, logs to
``.native/logs``. The data is for trying things out: ``down`` removes it.
"""

import argparse
import shlex
import shutil
import sys
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import quote

from deploy.native.running import STATE, Running, Started, end
from deploy.native.services import SERVICES, start_services
from libs.common.testing.moto_s3 import ACCESS_KEY_ID, REGION, SECRET_ACCESS_KEY
from libs.common.testing.servers import (
    MotoS3,
    NativeKafka,
    NativePostgres,
    ServerFailed,
    ServerMissing,
)

BUCKET = "lectern"


def main() -> int:
    """Run the command; the exit code is 1 if something did not start."""
    parser = argparse.ArgumentParser(prog="up", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--servers", action="store_true", help="start no services")
    servers_only = parser.parse_args().servers
    if Running.load(STATE / "pids.json").alive():
        _say("already up; end it with: make down-native")
        return 0
    try:
        up(STATE, servers_only=servers_only)
    except (ServerFailed, ServerMissing) as error:
        _say(str(error))
        return 1
    return 0


def up(state: Path, *, servers_only: bool) -> Running:
    """Start everything; whatever was started is ended again if a part of it fails.

    Raises:
        ServerMissing: A server is not installed.
        ServerFailed: Something did not start; the message has its output.
    """
    began = time.monotonic()
    logs, data = state / "logs", state / "data"
    for old in (logs, data):
        shutil.rmtree(old, ignore_errors=True)
    kafka = NativeKafka(data / "kafka", logs / "kafka.log", guarded=False)
    postgres = NativePostgres(logs / "postgres.log", durable=True, guarded=False)
    s3 = MotoS3(logs / "s3.log", BUCKET, guarded=False)
    running = Running(directories=[str(data)])
    try:
        start_servers(kafka, postgres, s3)
        running.directories.append(str(postgres.directory))
        servers = (kafka.process, postgres.process, s3.process)
        running.processes.extend(Started.of(server) for server in servers)
        environment = addresses(kafka, postgres, s3)
        write_env(state / "env", environment)
        running.save(state / "pids.json")
        _say(f"servers are up after {time.monotonic() - began:.1f} s")
        if not servers_only:
            for service in start_services(environment, logs):
                running.processes.append(Started.of(service))
                running.save(state / "pids.json")
                service.leave_running()
    except BaseException:
        end(running)
        for server in (kafka, postgres, s3):
            server.stop()
        (state / "pids.json").unlink(missing_ok=True)
        raise
    for process in servers:
        process.leave_running()
    _say(f"up after {time.monotonic() - began:.1f} s; addresses are in {state / 'env'}")
    return running


def start_servers(kafka: NativeKafka, postgres: NativePostgres, s3: MotoS3) -> None:
    """Start the three at the same time, and make one database for each service."""
    with ThreadPoolExecutor(3) as pool:
        starting = [pool.submit(server.start) for server in (kafka, postgres, s3)]
    for started in starting:
        started.result()
    for service in SERVICES:
        postgres.create_database(service)


def addresses(kafka: NativeKafka, postgres: NativePostgres, s3: MotoS3) -> dict[str, str]:
    """The environment of the services, and of tests that are to use the same servers."""
    endpoint = quote(s3.endpoint, safe=":/")
    return {
        "LECTERN_KAFKA_BOOTSTRAP_SERVERS": kafka.bootstrap,
        "LECTERN_STORAGE_URL": f"s3://{s3.bucket}?endpoint={endpoint}&region={REGION}",
        "LECTERN_S3_ACCESS_KEY_ID": ACCESS_KEY_ID,
        "LECTERN_S3_SECRET_ACCESS_KEY": SECRET_ACCESS_KEY,
        "GATEWAY_RATE_LIMITS": "false",  # one person tries it out, again and again
        **{f"{service.upper()}_DATABASE_URL": postgres.url(service) for service in SERVICES},
        "LECTERN_TEST_KAFKA": kafka.bootstrap,
        "LECTERN_TEST_POSTGRES_URL": postgres.url(),
        "LECTERN_TEST_S3_ENDPOINT": s3.endpoint,
    }


def write_env(path: Path, environment: Mapping[str, str]) -> None:
    """Write a file that a shell can read; it holds passwords, so only its owner may read it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch(mode=0o600)
    path.chmod(0o600)
    path.write_text(
        "".join(f"{name}={shlex.quote(value)}\n" for name, value in environment.items())
    )


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
