import asyncio
import gc

from libs.common.observability.telemetry import configure
from libs.common.runtime.loop_errors import log_loop_error
from libs.common.settings import CommonSettings

SAID = "The Quiet Island"


async def test_an_error_that_nobody_looked_at_is_told_without_its_words(tmp_path, capsys):
    settings = CommonSettings(
        kafka_bootstrap_servers="nowhere:9092", storage_url=f"file://{tmp_path}"
    )
    telemetry = configure("porter", settings)
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(log_loop_error)

    async def fail():
        raise ValueError(SAID)

    task = asyncio.create_task(fail(), name="a task")
    await asyncio.wait([task])
    del task
    gc.collect()
    loop.set_exception_handler(None)
    telemetry.close()
    shown = capsys.readouterr().out
    assert "Task exception was never retrieved" in shown
    assert "ValueError" in shown
    assert SAID not in shown
