"""The command line: ``lectern read``, ``serve``, ``voices``, and what operators need."""

import argparse
import asyncio
import sys
import traceback
from collections.abc import Coroutine, Sequence
from typing import Any

from lectern import operating, reading_command, serving
from lectern.exits import Exit, classify
from lectern.maintenance import admin_command, events_command, rebuild_command

EPILOG = """
exit codes: 0 done, 1 there was nothing to be done, 2 wrong usage, 65 the document cannot be read,
66 no such file or data folder, 69 something needed is not available, 70 internal error, 73 the
output cannot be written, 75 try again later, 78 wrong settings, 130 interrupted
"""


def main(arguments: Sequence[str] | None = None) -> None:
    """Run one command and exit with its code."""
    sys.exit(run(arguments))


def run(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code."""
    options = parser().parse_args(arguments)
    running: Coroutine[Any, Any, int] = options.run(options)
    try:
        return asyncio.run(running)
    except (KeyboardInterrupt, asyncio.CancelledError):
        sys.stderr.write("interrupted; run the same command again to resume\n")
        return Exit.INTERRUPTED
    except Exception as error:
        failed = classify(error)
        if failed is None:
            traceback.print_exc()
            return Exit.INTERNAL
        sys.stderr.write(f"lectern: {failed}\n")
        return failed.code


def parser() -> argparse.ArgumentParser:
    """Return the parser of the whole command line."""
    top = argparse.ArgumentParser(
        prog="lectern", description="Turn documents into audio.", epilog=EPILOG
    )
    commands = top.add_subparsers(required=True, metavar="COMMAND")
    reading_command.add_to(commands)
    serving.add_to(commands)
    operating.add_to(commands)
    admin_command.add_to(commands)
    events_command.add_to(commands)
    rebuild_command.add_to(commands)
    return top
