"""Starts one service as the only one of its process: ``python -m services.<name>``."""

import asyncio
import sys
from collections.abc import Callable
from typing import NoReturn, TypeVar

from libs.common.runtime.descriptors import within_descriptors
from libs.common.runtime.http_server import CannotListen
from libs.common.runtime.service import Service
from libs.common.runtime.service_parts import ServiceParts
from libs.common.settings import (
    CommonSettings,
    ServiceSettings,
    complaints,
    load,
    variable,
)

EX_UNAVAILABLE, EX_CONFIG = 69, 78
"""Exit codes for what is not to be had and for a faulty configuration, as in BSD's sysexits.h."""
METRICS_PORT = variable(CommonSettings, "metrics_port")

S = TypeVar("S", bound=ServiceSettings)


def launch(
    name: str, settings: type[S], build: Callable[[CommonSettings, S], ServiceParts]
) -> None:
    """Read the settings, run the service until it is told to stop, and exit.

    Exit codes: 0 stopped as asked, 1 the service failed, 69 a port is taken, 78 the settings are
    wrong.
    """
    if wrong := complaints(CommonSettings, settings):
        _end(name, wrong, EX_CONFIG)
    common, own = load(CommonSettings), load(settings)
    if own.http_port and own.http_port == common.metrics_port:
        both = f"{METRICS_PORT} and {variable(settings, 'http_port')}"
        _end(name, f"{both} are the same port; choose another one for either", EX_CONFIG)
    common = within_descriptors(common, servers=1 if common.metrics_port is None else 2)

    async def run() -> int:
        service = Service(parts=build(common, own))
        try:
            return await service.run_until_stopped()
        except CannotListen:
            await service.stop()
            raise

    try:
        sys.exit(asyncio.run(run()))
    except CannotListen as error:
        _end(name, f"{_setting_of(error, common, own)}: {error}", EX_UNAVAILABLE)


def _setting_of(error: CannotListen, common: CommonSettings, own: ServiceSettings) -> str:
    if error.port is None:
        return variable(CommonSettings, "bind_host")
    if error.port == common.metrics_port:
        return METRICS_PORT
    return variable(type(own), "http_port")


def _end(name: str, why: str, code: int) -> NoReturn:
    sys.stderr.write(f"{name} cannot start.\n{why}\n")
    sys.exit(code)
