import logging

import pytest
import structlog

from libs.common.observability.telemetry import configure
from libs.common.settings import CommonSettings


@pytest.fixture
def logged(capsys):
    """What a service writes to its log, as it is written by default; all that was until now."""
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    settings = CommonSettings(kafka_bootstrap_servers="k:1", storage_url="file:///o")
    telemetry = configure("ingest", settings)

    def written() -> str:
        captured = capsys.readouterr()
        return str(captured.out + captured.err)

    yield written
    telemetry.close()
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.reset_defaults()
