"""Starts one service as the only one of its process: ``python -m services.<name>``."""

import asyncio
import sys
from collections.abc import Callable
from typing import TypeVar

from libs.common.runtime.service import Service
from libs.common.runtime.service_parts import ServiceParts
from libs.common.settings import (
    CommonSettings,
    ServiceSettings,
    complaints,
    load,
)

EX_CONFIG = 78
"""Exit code for a faulty configuration, as in BSD's sysexits.h."""

S = TypeVar("S", bound=ServiceSettings)


def launch(
    name: str, settings: type[S], build: Callable[[CommonSettings, S], ServiceParts]
) -> None:
    """Read the settings, run the service until it is told to stop, and exit.

    Exit codes: 0 stopped as asked, 1 the service failed, 78 the settings are wrong.
    """
    if wrong := complaints(CommonSettings, settings):
        sys.stderr.write(f"{name} cannot start.\n{wrong}\n")
        sys.exit(EX_CONFIG)
    common, own = load(CommonSettings), load(settings)

    async def run() -> int:
        return await Service(parts=build(common, own)).run_until_stopped()

    sys.exit(asyncio.run(run()))
