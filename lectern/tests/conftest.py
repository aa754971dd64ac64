"""All five services in the process of the tests, once for a module."""

from contextlib import AsyncExitStack
from pathlib import Path

import pytest
import pytest_asyncio

from lectern.entry import PRELOADED
from lectern.reading_command import until_voices
from lectern.standalone import Options, running
from libs.common.runtime.pool import preload
from libs.common.testing.report import ran_against


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def lectern(pytestconfig: pytest.Config, tmp_path_factory: pytest.TempPathFactory):
    """A Lectern that runs and knows its voices."""
    ran_against(pytestconfig, "the embedded broker")
    preload(*PRELOADED)
    data: Path = tmp_path_factory.mktemp("lectern")
    async with AsyncExitStack() as stack:
        running_one = await stack.enter_async_context(
            running(Options(data=data, log_level="ERROR"))
        )
        await running_one.until_ready()
        await until_voices(running_one)
        yield running_one
