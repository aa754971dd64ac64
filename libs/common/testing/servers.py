"""The servers that can be started natively, for tests and for ``deploy/native``."""

from libs.common.testing.moto_s3 import MotoS3
from libs.common.testing.native_kafka import NativeKafka
from libs.common.testing.native_postgres import NativePostgres
from libs.common.testing.processes import ServerFailed, ServerMissing, ServerProcess
from libs.common.testing.redis_process import NativeRedis

__all__ = [
    "MotoS3",
    "NativeKafka",
    "NativePostgres",
    "NativeRedis",
    "ServerFailed",
    "ServerMissing",
    "ServerProcess",
]
