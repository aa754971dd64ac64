from collections.abc import Iterator

import pytest

from tests.journeys.deployment import Deployment


@pytest.fixture
def lectern(deployment: Deployment) -> Iterator[Deployment]:
    """The deployment, whole; what a test broke is mended after it."""
    deployment.start_missing()
    yield deployment
    deployment.wire.mend()
    for name in [each for each in deployment.processes if "-" in each]:
        deployment.stop(name)
    for name, process in list(deployment.processes.items()):
        if process.exit_code is not None:
            del deployment.processes[name]
