"""The commands ``read`` and ``voices``: their arguments and what they print."""

import argparse
import asyncio
import json
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, redirect_stdout
from pathlib import Path
from typing import Any

from lectern.display import choose, clock
from lectern.exits import Exit, Failed
from lectern.preconditions import check_output, check_source
from lectern.reading import FORMATS, Reading, ReadingResult, ReadRequest
from lectern.standalone import Options, Standalone, running
from libs.common.contracts.pages import PageRange
from libs.common.errors import Permanent
from services.gateway.audio.queries import AudioQueries
from services.gateway.narrations.options import NarrationOptions
from services.gateway.narrations.requests import ranges_of
from services.gateway.preferences.rates import in_steps
from services.synth.engines.build import ENGINES

DATA = Path.home() / ".local" / "share" / "lectern"
DRAIN_S = 2.0
"""An interrupted reading does not finish its sentences: it resumes at them."""

PATIENCE_S = 30.0
"""For a speech server that does not answer, as while it starts."""

Subparsers = Any


def add_to(commands: Subparsers) -> None:
    """Add both commands."""
    read = commands.add_parser("read", help="turn one document into an audiobook")
    read.set_defaults(run=read_document)
    read.add_argument("source", metavar="FILE|URL", help="what to read")
    read.add_argument("-o", "--output", type=Path, help="the audiobook; default: FILE.m4b here")
    read.add_argument("--engine", choices=ENGINES, help="default: the first configured")
    read.add_argument("--voice", help="a voice from `lectern voices`; default: by language")
    read.add_argument(
        "--rate", type=_rate, default=1.0, help="0.5 to 3.0 in steps of 0.05; default: 1.0"
    )
    read.add_argument("--format", choices=list(FORMATS), help="default: by the name of the output")
    read.add_argument("--pages", type=some_pages, help="some pages only: 1-5,8")
    read.add_argument("--pages-folder", type=Path, help="put the audio of each page there too")
    read.add_argument("--fresh", action="store_true", help="read again what was read before")
    read.add_argument("--json", action="store_true", help="print the result as JSON")
    read.add_argument("--quiet", action="store_true", help="show no progress")
    add_data(read)
    voices = commands.add_parser("voices", help="list the voices of an engine")
    voices.set_defaults(run=list_voices)
    voices.add_argument("--engine", choices=ENGINES, help="default: all configured")
    voices.add_argument("--language", help="only voices of a language, such as en or pt-br")
    voices.add_argument("--json", action="store_true", help="print JSON")
    add_data(voices)


def add_data(command: argparse.ArgumentParser) -> None:
    """Add the option for the data folder."""
    command.add_argument(
        "--data", type=Path, default=DATA, help=f"where everything is kept; default: {DATA}"
    )
    command.add_argument(
        "--log-level", default="ERROR", choices=["DEBUG", "INFO", "WARNING", "ERROR"]
    )


async def read_document(arguments: argparse.Namespace) -> int:
    """Read one document; prints what was made."""
    wanted = _wanted(arguments)
    check_source(wanted)
    check_output(wanted)
    options = Options(
        data=arguments.data,
        log_level=arguments.log_level,
        drain_timeout_seconds=DRAIN_S + 7,
        settings={"synth": {"engines": (arguments.engine,)} if arguments.engine else {}},
    )
    display = choose(arguments.quiet or arguments.json)
    try:
        _interrupt_with_signals()
        async with logging_to_stderr(), running(options) as lectern:
            await until_it_can_speak(lectern)
            result = await Reading(lectern, wanted, display).run()
    finally:
        display.close()
    print(json.dumps(result.as_json()) if arguments.json else _report(result))
    return Exit.OK


async def list_voices(arguments: argparse.Namespace) -> int:
    """Print the voices, one a line."""
    options = Options(
        data=arguments.data,
        log_level=arguments.log_level,
        drain_timeout_seconds=DRAIN_S + 7,
        settings={"synth": {"engines": (arguments.engine,)} if arguments.engine else {}},
    )
    async with logging_to_stderr(), running(options) as lectern:
        await until_it_can_speak(lectern)
        found = await AudioQueries(lectern.gateway.kernel.database).voices()
    offered = lectern.engines
    voices = [
        voice.model_dump()
        for voice in found
        if voice.engine in offered and _speaks(voice.language, arguments.language)
    ]
    if arguments.json:
        print(json.dumps(voices))
    else:
        for voice in voices:
            print(f"{voice['engine']:8} {voice['id']:24} {voice['language']:12} {voice['name']}")
    return Exit.OK


async def until_it_can_speak(lectern: Standalone) -> None:
    """Return when all services work and the voices are known.

    Raises:
        Failed: An engine cannot work as it is set up.
        LecternError: What is still missing after half a minute.
    """
    try:
        await lectern.until_ready(PATIENCE_S)
    except Permanent as error:
        raise Failed(Exit.UNAVAILABLE, str(error)) from error
    await until_voices(lectern)


async def until_voices(lectern: Standalone) -> None:
    """Return when the gateway knows the voices of every engine that synth offers."""
    queries = AudioQueries(lectern.gateway.kernel.database)
    while not lectern.engines <= {engine.engine for engine in await queries.engines()}:
        if lectern.stopping.is_set():
            raise Failed(Exit.UNAVAILABLE, "the speech engine could not start; the log says why")
        await asyncio.sleep(0.02)


def some_pages(text: str) -> tuple[PageRange, ...]:
    """Read pages such as "1-5,8".

    Raises:
        argparse.ArgumentTypeError: It is no list of pages.
    """
    try:
        return ranges_of(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text!r} is no list of pages: {error}") from error


def _rate(text: str) -> float:
    try:
        rate = in_steps(float(text))
    except (ValueError, OverflowError):
        rate = 0.0
    if not 0.5 <= rate <= 3.0:  # noqa: PLR2004 - the range of libs.common.events.Rate
        raise argparse.ArgumentTypeError(f"{text!r} is no rate from 0.5 to 3.0 in steps of 0.05")
    return rate


def _wanted(arguments: argparse.Namespace) -> ReadRequest:
    name = Path(arguments.source.rstrip("/")).stem or "document"
    output: Path = arguments.output or Path(f"{name}.{arguments.format or 'm4b'}")
    suffix = output.suffix.lstrip(".").lower()
    chosen = FORMATS.get(arguments.format or suffix)
    if chosen is None:
        raise Failed(Exit.USAGE, f"{output} is no .m4b, .mp3 or .opus; say which with --format")
    options = NarrationOptions(
        pages=arguments.pages,
        engine=arguments.engine,
        voice=arguments.voice,
        rate=arguments.rate,
        format="m4a" if chosen == "m4b" else chosen,
        audiobook=chosen,
    )
    return ReadRequest(
        source=arguments.source,
        output=output,
        options=options,
        pages_folder=arguments.pages_folder,
        fresh=arguments.fresh,
    )


def _speaks(language: str, wanted: str | None) -> bool:
    return wanted is None or language.lower().startswith(wanted.lower())


def _report(result: ReadingResult) -> str:
    lines = [
        f"{result.output}: {result.title}, {clock(result.duration_ms)}, "
        f"{result.bytes / 1e6:.1f} MB, {_count(result.chapters, 'chapter')}, "
        f"{_count(result.pages, 'page')}",
        f"made in {result.seconds:.1f} s, {result.times_real_time:.0f} times real time"
        + (
            f"; first audio after {result.first_audio_seconds:.2f} s"
            if result.first_audio_seconds is not None and not result.resumed
            else ""
        ),
    ]
    if result.page_files:
        lines.append(f"pages: {Path(result.page_files[0]).parent}/")
    return "\n".join(lines)


def _count(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"


@asynccontextmanager
async def logging_to_stderr() -> AsyncIterator[None]:
    """Keep standard output for the result; services log there, as containers want it."""
    with redirect_stdout(sys.stderr):
        yield


def _interrupt_with_signals() -> None:
    """Let SIGTERM end a reading as Ctrl-C does: at once, to be resumed."""
    task = asyncio.current_task()
    if task is not None and sys.platform != "win32":
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
