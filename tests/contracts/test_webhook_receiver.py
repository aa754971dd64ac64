"""The example receiver as a stranger runs it, posted to by the notifier's own client."""

import asyncio
import base64
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from libs.common.errors import Permanent
from services.notifier.channels.signing import signing_key
from services.notifier.channels.webhooks import Webhooks, webhook_client
from services.notifier.notices import TYPES, Notice, Target
from services.notifier.tests.samples import DOCUMENT, IDENTITIES, audio_ready

pytestmark = pytest.mark.slow
EXAMPLE = Path(__file__).parents[2] / "examples" / "webhook_receiver.py"
OURS, NEW, FOREIGN = (
    "whsec_" + base64.b64encode(bytes([number]) * 32).decode() for number in (1, 2, 3)
)


@asynccontextmanager
async def receiver() -> AsyncIterator[tuple[asyncio.StreamReader, str]]:
    """The running program, which knows OURS, and its address."""
    program = await asyncio.create_subprocess_exec(
        sys.executable,
        str(EXAMPLE),
        "--port=0",
        env={"PATH": os.environ["PATH"], "LECTERN_WEBHOOK_SECRET": OURS},
        stdout=asyncio.subprocess.PIPE,
    )
    assert program.stdout is not None
    try:
        async with asyncio.timeout(60):
            line = (await program.stdout.readline()).decode()
        yield program.stdout, f"http://127.0.0.1:{line.split()[-1]}/hook"
    finally:
        program.send_signal(signal.SIGKILL)
        await program.wait()


async def post(url: str, *secrets: str) -> None:
    keys = {url: [signing_key(secret) for secret in secrets]}
    notice = Notice.of(audio_ready(), Target("webhook", url, frozenset(TYPES)), IDENTITIES)
    async with webhook_client(allow_private=True) as client:
        await Webhooks(client=client, keys=keys, timeout_s=30, allow_private=True).post(notice, url)


async def test_it_takes_what_is_signed_with_its_secret_and_nothing_else() -> None:
    async with receiver() as (output, url):
        await post(url, OURS)
        await post(url, NEW, OURS)  # while the secret is replaced
        with pytest.raises(Permanent, match="401"):
            await post(url, FOREIGN)
        lines = [(await output.readline()).decode() for _ in range(2)]
    assert lines == [f"audio.ready {DOCUMENT}\n"] * 2
