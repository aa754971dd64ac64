"""The command ``serve``: everything in one process, for one person or a small team."""

import argparse
import asyncio
import os
import signal
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from lectern.exits import Exit
from lectern.ignored_settings import warnings
from lectern.reading import LOCAL_OWNER
from lectern.reading_command import add_data
from lectern.service_catalog import SERVICES
from lectern.standalone import Options, Standalone, running
from services.gateway.accounts.administration.administering import Administration
from services.gateway.accounts.tokens import Tokens


def add_to(commands: Any) -> None:
    """Add the command."""
    serve = commands.add_parser("serve", help="run all services here, without Docker")
    serve.set_defaults(run=serve_all)
    serve.add_argument("--host", default="127.0.0.1", help="address to listen on")
    serve.add_argument(
        "--port", type=int, default=8000, help="of the gateway; the other services follow it"
    )
    add_data(serve)
    serve.set_defaults(log_level="INFO")


async def serve_all(arguments: argparse.Namespace) -> int:
    """Run until interrupted."""
    options = Options(
        data=arguments.data,
        host=arguments.host,
        port=arguments.port,
        log_level=arguments.log_level,
    )
    for warning in warnings(options, os.environ):
        sys.stderr.write(f"{warning}\n")
    async with running(options) as lectern:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, lectern.stopping.set)
        await lectern.until_ready()
        await _greet(lectern, arguments.host, arguments.data)
        await lectern.stopping.wait()
    return Exit.OK if lectern.asked_to_stop else Exit.INTERNAL


async def _greet(lectern: Standalone, host: str, data: Path) -> None:
    """Say where everything is, and hand out a token if there is none."""
    lines = [
        f"{spec.name:10} http://{host}:{lectern.services[spec.name].port}" for spec in SERVICES
    ]
    tokens = Tokens(lectern.gateway.kernel.database)
    if not await tokens.listing():
        today = datetime.now(UTC).date().isoformat()
        _, token = await tokens.create(f"first token, {today}", LOCAL_OWNER)
        more = f"lectern token create --data {data} --name WHOSE"
        lines.append(f"token      {token}\n           shown once; make more with `{more}`")
    first = await Administration(lectern.gateway.kernel).first_link(LOCAL_OWNER)
    if first is not None:
        address = f"http://{host}:{lectern.services['gateway'].port}{first}"
        lines.append(f"account    {address}\n           to choose a password, once, within 3 days")
    sys.stderr.write("\n".join(lines) + "\nLectern is ready. Ctrl-C stops it.\n")
