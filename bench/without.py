"""Lectern without one of its start-up tricks: ``python -m bench.without TRICK read ...``.

For :mod:`bench.startup`. Workers import this module again, so what it needs is imported late.
"""

import gc
import os
import sys
from collections.abc import Callable
from typing import Any

NOTHING = "nothing"
LEFT_OUT = "BENCH_LEFT_OUT"
"""Tells workers, which import this module again, what is left out."""


def _nothing(*_: object) -> None:
    return None


def _fork_server() -> None:
    """Workers are forked from an empty process, which starts when the first of them is needed."""
    from libs.common.runtime import pool

    pool.preload = _nothing


def _language_model() -> None:
    """Each worker loads the language model for itself."""
    from lectern import entry

    kept = tuple(name for name in entry.PRELOADED if not name.endswith(".preload"))
    entry.PRELOADED = kept  # type: ignore[assignment]


def _warm_workers() -> None:
    """Workers load what they need with their first task."""
    from libs.common.runtime.pool import NICENESS, CpuPool

    prepared = CpuPool.__init__

    def cold(pool: CpuPool, workers: int, **options: Any) -> None:
        prepared(pool, workers, niceness=options.get("niceness", NICENESS))

    CpuPool.__init__ = cold  # type: ignore[assignment, method-assign]


def _zygote_ahead() -> None:
    """The process that parsers are forked from starts when ingest does."""
    from services.ingest.sandbox import server_process

    server_process.start_ahead = _nothing  # type: ignore[assignment]


def _frozen_modules() -> None:
    """The garbage collector runs while modules are loaded, and looks through them ever after."""
    gc.disable = gc.freeze = _nothing


def _late_command_line() -> None:
    """The main module imports the command line at its top, in workers too."""
    import lectern.cli  # noqa: F401


def _sqlite_dialect() -> None:
    """SQLAlchemy's own dialect for aiosqlite, which moves the log into the file by itself."""
    from bench.store.sqlite import stock_engine
    from libs.common.database import engine

    async def emptied(_: engine.Database) -> bool:
        return True

    module: Any = engine
    module.sqlite_engine = stock_engine
    module.Database.empty_log = emptied


TRICKS: dict[str, Callable[[], None]] = {
    NOTHING: _nothing,
    "fork-server": _fork_server,
    "language-model": _language_model,
    "warm-workers": _warm_workers,
    "zygote-ahead": _zygote_ahead,
    "frozen-modules": _frozen_modules,
    "late-command-line": _late_command_line,
    "sqlite-dialect": _sqlite_dialect,
}
"""What can be left out, one at a time."""

if __name__ == "__mp_main__" and os.environ.get(LEFT_OUT) == "late-command-line":
    _late_command_line()

if __name__ == "__main__":
    if not TRICKS.keys() & sys.argv[1:2]:
        sys.exit(f"{__doc__}\nThe first argument is one of: {', '.join(TRICKS)}")
    os.environ[LEFT_OUT] = sys.argv.pop(1)
    TRICKS[os.environ[LEFT_OUT]]()
    from lectern.entry import main

    main()
