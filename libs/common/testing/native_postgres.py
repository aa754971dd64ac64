"""PostgreSQL as one process of this machine, from the packages of the system."""

import os
import pwd
import re
import secrets
import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path
from signal import SIGINT

from libs.common.testing.processes import (
    Program,
    ServerFailed,
    ServerMissing,
    ServerProcess,
    free_ports,
    run,
)

START_TIMEOUT_S = 30.0
SUPERUSER = "lectern"
CONNECTIONS = 200  # five services with pools, and the tests
# Where packages put the programs that they keep off the PATH: Debian, Red Hat, Homebrew.
FOLDERS = (
    "/usr/lib/postgresql/*/bin",
    "/usr/pgsql-*/bin",
    "/opt/homebrew/opt/postgresql@*/bin",
    "/usr/local/opt/postgresql@*/bin",
)
# Nothing that tests write must survive a power cut.
FORGETFUL = ("fsync=off", "synchronous_commit=off", "full_page_writes=off")


class NativePostgres:
    """One server with one superuser, on loopback, in a directory that :meth:`stop` removes.

    PostgreSQL refuses to run as root. Started by root it runs as ``postgres`` or ``nobody``, and
    its directory is in the system's temporary one, which that user can reach.
    """

    def __init__(
        self, log: Path | None = None, *, durable: bool = False, guarded: bool = True
    ) -> None:
        self.version = ""
        self.directory: Path | None = None
        self._log = log
        self._durable = durable
        self._guarded = guarded
        self._port = 0
        self._password = secrets.token_urlsafe(16)
        self._user = unprivileged_user()
        self._server: ServerProcess | None = None

    @property
    def address(self) -> str:
        """``host:port``."""
        return f"127.0.0.1:{self._port}"

    @property
    def process(self) -> ServerProcess:
        """The running process."""
        if self._server is None:
            raise ServerFailed("PostgreSQL is not running")
        return self._server

    def url(self, database: str = "postgres") -> str:
        """Address of a database for SQLAlchemy's asyncpg dialect, with the password."""
        return f"postgresql+asyncpg://{SUPERUSER}:{self._password}@{self.address}/{database}"

    def start(self) -> str:
        """Make a new server, start it, wait until it serves, and return :meth:`url`.

        Raises:
            ServerMissing: PostgreSQL is not installed.
            ServerFailed: It did not start; the message has its output.
        """
        programs = find_programs()
        self.version = _version(programs)
        (self._port,) = free_ports(1)
        # A socket's path may have about 100 characters, which a temporary directory can exceed.
        self.directory = Path(tempfile.mkdtemp(prefix="lectern-pg-", dir="/tmp"))
        if self._user is not None:
            shutil.chown(self.directory, self._user)
        try:
            self._initialize(programs, self.directory)
            self._launch(programs, self.directory)
        except ServerFailed:
            self.stop()
            raise
        return self.url()

    def create_database(self, name: str) -> str:
        """Create an empty database and return its :meth:`url`."""
        client = [str(find_programs() / "psql"), "-X", "-q", "-h", "127.0.0.1"]
        where = ["-p", str(self._port), "-U", SUPERUSER, "-d", "postgres"]
        run(
            [*client, *where, "-c", f'CREATE DATABASE "{name}"'],
            environment={"PGPASSWORD": self._password},
        )
        return self.url(name)

    def stop(self) -> None:
        """Stop it and remove its data. Stopping twice is fine."""
        if self._server is not None:
            self._server.stop()
            self._server = None
        if self.directory is not None:
            shutil.rmtree(self.directory, ignore_errors=True)
            self.directory = None

    def _initialize(self, programs: Path, directory: Path) -> None:
        password = directory / "password"
        password.touch(mode=0o600)
        password.write_text(self._password)
        if self._user is not None:
            shutil.chown(password, self._user)
        self._run(
            [
                str(programs / "initdb"),
                f"--pgdata={directory / 'data'}",
                f"--username={SUPERUSER}",
                f"--pwfile={password}",
                "--auth=scram-sha-256",
                "--encoding=UTF8",
                "--locale=C",
                "--no-sync",
            ]
        )
        password.unlink()

    def _launch(self, programs: Path, directory: Path) -> None:
        options = [
            "listen_addresses=127.0.0.1",
            f"port={self._port}",
            f"unix_socket_directories={directory}",
            f"max_connections={CONNECTIONS}",
            *(() if self._durable else FORGETFUL),
        ]
        command = [str(programs / "postgres"), "-D", str(directory / "data")]
        for option in options:
            command += ["-c", option]
        program = Program(
            name="PostgreSQL",
            command=command,
            log=self._log or directory / "postgres.log",
            user=self._user,
            directory=directory,
            stop_signal=SIGINT,  # its "fast" shutdown; SIGTERM waits for clients to leave
        )
        self._server = ServerProcess(program, guarded=self._guarded)
        probe = [str(programs / "pg_isready"), "-q", "-h", "127.0.0.1", "-p", str(self._port)]
        self._server.wait_until(lambda: _succeeds(probe), START_TIMEOUT_S)

    def _run(self, command: Sequence[str]) -> None:
        run(command, user=self._user, directory=self.directory)


def find_programs() -> Path:
    """The folder of ``initdb`` and ``postgres``, of the newest version installed.

    Raises:
        ServerMissing: There is none.
    """
    found = [
        folder
        for pattern in FOLDERS
        for folder in Path("/").glob(pattern.lstrip("/"))
        if (folder / "initdb").exists()
    ]
    on_path = shutil.which("initdb")
    if on_path is not None:
        found.append(Path(on_path).resolve().parent)
    if not found:
        raise ServerMissing("no PostgreSQL server found; install the package postgresql")
    return max(
        found, key=lambda folder: [int(digits) for digits in re.findall(r"\d+", str(folder))]
    )


def unprivileged_user() -> str | None:
    """Whom to run as; ``None`` means as ourselves, who are not root."""
    if os.geteuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        try:
            pwd.getpwnam(name)
        except KeyError:
            continue
        return name
    raise ServerMissing("root cannot run PostgreSQL, and there is no user postgres or nobody")


def _version(programs: Path) -> str:
    found = re.search(r"\d+(\.\d+)*", run([str(programs / "postgres"), "--version"]))
    return found[0] if found else "?"


def _succeeds(command: Sequence[str]) -> bool:
    try:
        run(command)
    except ServerFailed:
        return False
    return True
