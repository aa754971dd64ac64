"""moto's imitation of S3 as one process of this machine, with a bucket in it."""

import sys
import urllib.error
import urllib.request
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

from libs.common.testing.processes import (
    Program,
    ServerFailed,
    ServerMissing,
    ServerProcess,
    free_ports,
)

START_TIMEOUT_S = 30.0
ANSWER_TIMEOUT_S = 2.0
REGION = "us-east-1"
ACCESS_KEY_ID = "lectern"
SECRET_ACCESS_KEY = "lectern-native"  # moto takes any; it listens on loopback only


class MotoS3:
    """One server; what it stores is in its memory."""

    def __init__(self, log: Path, bucket: str = "lectern", *, guarded: bool = True) -> None:
        self.bucket = bucket
        self.version = ""
        self._log = log
        self._guarded = guarded
        self._port = 0
        self._server: ServerProcess | None = None

    @property
    def endpoint(self) -> str:
        """URL of the server."""
        return f"http://127.0.0.1:{self._port}"

    @property
    def process(self) -> ServerProcess:
        """The running process."""
        if self._server is None:
            raise ServerFailed("moto is not running")
        return self._server

    def start(self) -> str:
        """Start it, wait until it serves, create the bucket, and return its URL.

        Raises:
            ServerMissing: moto is not installed.
            ServerFailed: It did not start; the message has its output.
        """
        if find_spec("moto") is None or find_spec("flask") is None:
            raise ServerMissing("no moto server; install moto[s3,server]")
        self.version = version("moto")
        (self._port,) = free_ports(1)
        command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(self._port)]
        self._server = ServerProcess(
            Program(name="moto", command=command, log=self._log), guarded=self._guarded
        )
        self._server.wait_until(self._answers, START_TIMEOUT_S)
        create_bucket(self.endpoint, self.bucket, ACCESS_KEY_ID, SECRET_ACCESS_KEY)
        return self.endpoint

    def stop(self) -> None:
        """Stop it; every object is gone. Stopping twice is fine."""
        if self._server is not None:
            self._server.stop()
            self._server = None

    def _answers(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.endpoint}/moto-api/", timeout=ANSWER_TIMEOUT_S):
                return True
        except (urllib.error.URLError, OSError):
            return False


def create_bucket(endpoint: str, bucket: str, access_key_id: str, secret_access_key: str) -> None:
    """Create a bucket unless it is there."""
    import boto3  # takes most of a second, which tests without S3 need not wait
    from botocore.config import Config

    client = boto3.client(
        "s3",
        endpoint_url=endpoint,
        region_name=REGION,
        aws_access_key_id=access_key_id,
        aws_secret_access_key=secret_access_key,
        config=Config(s3={"addressing_style": "path"}),
    )
    try:
        client.create_bucket(Bucket=bucket)
    except (client.exceptions.BucketAlreadyOwnedByYou, client.exceptions.BucketAlreadyExists):
        return
    finally:
        client.close()
