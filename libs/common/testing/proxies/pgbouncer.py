"""PgBouncer as one process of this machine, which pools transactions in front of a PostgreSQL."""

import shutil
import socket
import tempfile
from pathlib import Path

from sqlalchemy.engine import make_url

from libs.common.testing.native_postgres import unprivileged_user
from libs.common.testing.processes import Program, ServerMissing, ServerProcess, free_ports

START_TIMEOUT_S = 10.0
SESSIONS = 2
"""For each database; so few that transactions of one connection change between them."""

FOLDERS = ("/usr/sbin", "/usr/local/bin", "/opt/homebrew/bin")


class NativePgBouncer:
    """One PgBouncer on loopback; whoever connects is logged in as the user of ``postgres_url``."""

    def __init__(self, postgres_url: str) -> None:
        self._server_url = make_url(postgres_url)
        self._directory: Path | None = None
        self._process: ServerProcess | None = None
        self.port = 0

    def start(self) -> str:
        """Start it, wait until it serves, and return ``host:port``.

        Raises:
            ServerMissing: PgBouncer is not installed.
            ServerFailed: It did not start; the message has its output.
        """
        found = shutil.which("pgbouncer") or shutil.which("pgbouncer", path=":".join(FOLDERS))
        if found is None:
            raise ServerMissing("no PgBouncer found; install the package pgbouncer")
        (self.port,) = free_ports(1)
        user = unprivileged_user()
        self._directory = Path(tempfile.mkdtemp(prefix="lectern-pgbouncer-", dir="/tmp"))
        configuration = self._directory / "pgbouncer.ini"
        configuration.touch(mode=0o600)
        configuration.write_text(self._configuration())
        if user is not None:
            shutil.chown(self._directory, user)
            shutil.chown(configuration, user)
        program = Program(
            name="PgBouncer",
            command=[found, str(configuration)],
            log=self._directory / "pgbouncer.log",
            user=user,
            directory=self._directory,
        )
        self._process = ServerProcess(program, guarded=True)
        self._process.wait_until(self._answers, START_TIMEOUT_S)
        return f"127.0.0.1:{self.port}"

    def stop(self) -> None:
        """Stop it and remove its folder. Stopping twice is fine."""
        if self._process is not None:
            self._process.kill()  # in order it would wait for its clients to leave
            self._process = None
        if self._directory is not None:
            shutil.rmtree(self._directory, ignore_errors=True)
            self._directory = None

    def _configuration(self) -> str:
        url = self._server_url
        return f"""
            [databases]
            * = host={url.host} port={url.port or 5432} user={url.username} password={url.password}
            [pgbouncer]
            listen_addr = 127.0.0.1
            listen_port = {self.port}
            unix_socket_dir =
            auth_type = any
            pool_mode = transaction
            default_pool_size = {SESSIONS}
            server_round_robin = 1
        """.replace("            ", "")

    def _answers(self) -> bool:
        with socket.socket() as client:
            return client.connect_ex(("127.0.0.1", self.port)) == 0
