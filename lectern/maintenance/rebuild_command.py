"""The command ``rebuild``: read models of the gateway are folded anew from its history."""

import argparse
import gc
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from time import monotonic
from typing import Any

from sqlalchemy import Table

from lectern.exits import Exit
from lectern.maintenance.service_databases import add_data_folder, open_database
from lectern.service_catalog import SERVICES
from libs.common.database.engine import Database
from libs.common.runtime.connect import open_object_storage
from libs.common.settings import CommonSettings, load
from libs.common.storage.build import open_storage
from libs.common.storage.port import Storage
from services.gateway.documents.tables import document_details
from services.gateway.features import FEATURES
from services.gateway.rebuilding.lost_details import restore_details
from services.gateway.rebuilding.projector_pool import ProjectorPool
from services.gateway.rebuilding.rebuild_progress import RebuildProgress
from services.gateway.rebuilding.rebuild_tables import WAIT_S, Rebuild
from services.gateway.tables import READ_MODELS

ABOUT = """
Folds read models of the gateway anew from its events and its inbox, beside the tables that are in
use, and then puts them in their place, in a moment. The gateway may go on working meanwhile. If it
is interrupted or killed, the same command goes on, or begins anew if the release is another one
by then. document_details is no read model: naming it
has rows that were lost read from the objects again.
"""
DERIVED = tuple(table for feature in FEATURES for table in feature.derived)
REBUILT: Sequence[Table] = (*READ_MODELS, *DERIVED)
NAMES = [*(table.name for table in REBUILT), document_details.name]
SAY_EVERY_S = 5.0


def add_to(commands: Any) -> None:
    """Add the command."""
    rebuild = commands.add_parser(
        "rebuild", help="fold the gateway's read models anew", description=ABOUT
    )
    rebuild.set_defaults(run=rebuild_tables)
    rebuild.add_argument(
        "table",
        nargs="*",
        type=_table_name,
        metavar="TABLE",
        help=f"default: all read models; one of {', '.join(NAMES)}",
    )
    rebuild.add_argument(
        "--fresh", action="store_true", help="do not go on with what a killed rebuild has left"
    )
    rebuild.add_argument(
        "--wait",
        type=float,
        default=WAIT_S,
        metavar="SECONDS",
        help="for a transaction that others began before; default: %(default)g",
    )
    rebuild.add_argument(
        "--workers", type=int, default=os.cpu_count() or 1, help="processes; default: all cores"
    )
    add_data_folder(rebuild)


async def rebuild_tables(arguments: argparse.Namespace) -> int:
    """Rebuild the named tables, or all; prints what was done."""
    names = arguments.table or [table.name for table in REBUILT]
    tables = [table for table in REBUILT if table.name in names]
    database = await open_database(SERVICES[0], arguments.data)
    try:
        if tables:
            await _rebuild(database, tables, arguments)
        if document_details.name in names:
            await _read_details(database, arguments.data)
    finally:
        await database.close()
    return Exit.OK


async def _rebuild(
    database: Database, tables: Sequence[Table], arguments: argparse.Namespace
) -> None:
    names = [table.name for table in tables]
    started = monotonic()
    gc.freeze()  # or the collector looks through all that was imported for each chunk
    async with ProjectorPool(database, names, max(1, arguments.workers)) as pool:
        rebuild = Rebuild(
            database,
            FEATURES,
            tables,
            show=RebuildLines(),
            tell=_tell,
            wait_s=arguments.wait,
            projector=pool,
        )
        done = await rebuild.run(fresh=arguments.fresh)
    print(
        f"rebuilt {', '.join(names)}: {done.events:,} events in {monotonic() - started:.1f} s, "
        f"passes: {done.passes}; others were kept out for {done.locked_s:.2f} s"
    )


def _tell(sentence: str) -> None:
    sys.stderr.write(f"{sentence}\n")


class RebuildLines:
    """Tells now and then how far a rebuild has come, on standard error."""

    def __init__(self) -> None:
        self._said = monotonic()
        self._before: int | None = None

    def __call__(self, progress: RebuildProgress) -> None:
        """Write a line if it is time for one."""
        now = monotonic()
        if self._before is None:  # of an earlier run too
            self._before = progress.projected
        if now - self._said >= SAY_EVERY_S:
            count = progress.projected
            rate = (count - self._before) / (now - self._said)
            self._said, self._before = now, count
            sys.stderr.write(
                f"pass {progress.passes}: {count:,} events projected, {rate:,.0f} a second\n"
            )


async def _read_details(database: Database, data: Path | None) -> None:
    storage = _storage(data)
    try:
        count = await restore_details(database, storage, FEATURES)
    finally:
        await storage.close()
    print(f"{count:,} rows of {document_details.name} came back")


def _storage(data: Path | None) -> Storage:
    if data is None:
        return open_object_storage(load(CommonSettings))
    return open_storage((data / "objects").resolve().as_uri())


def _table_name(text: str) -> str:
    if text not in NAMES:
        raise argparse.ArgumentTypeError(f"there is no {text!r}; name {', '.join(NAMES)}")
    return text
