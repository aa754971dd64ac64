"""The databases of services, as commands beside them open them."""

import argparse
import os
from pathlib import Path
from typing import Any

from lectern.exits import Exit, Failed
from lectern.reading_command import DATA
from lectern.service_catalog import SERVICES, ServiceSpec
from libs.common.database.engine import Database
from libs.common.runtime.connect import open_database_unhurried
from libs.common.settings import InvalidSettings, load, variable
from libs.common.store.migrate import upgrade


def add_data_folder(command: Any) -> None:
    """Add the option that names a standalone's folder in place of addresses of databases."""
    command.add_argument(
        "--data",
        type=Path,
        help=f"a standalone's data folder ({DATA}); default: <SERVICE>_DATABASE_URL",
    )


def service_name(text: str) -> str:
    """Return an argument that has to name a service."""
    names = [spec.name for spec in SERVICES]
    if text not in names:
        raise argparse.ArgumentTypeError(f"there is no {text!r}; name {', '.join(names)}")
    return text


async def open_database(spec: ServiceSpec, data: Path | None) -> Database:
    """Return the database of a service, up to date if it is in a data folder.

    Raises:
        Failed: There is none in the folder.
        InvalidSettings: The environment does not say where it is.
    """
    database = open_database_as_it_is(spec, data)
    if data is not None:
        await upgrade(database, spec.migrations)
    return database


def open_database_as_it_is(spec: ServiceSpec, data: Path | None) -> Database:
    """Return the database of a service, in a data folder or where its settings say, unchanged.

    Raises:
        Failed: There is none in the folder.
        InvalidSettings: The environment does not say where it is.
    """
    if data is None:
        return _open_as_set(spec)
    path = (data / f"{spec.name}.db").resolve()
    if not path.is_file():
        said = f"There is no {path}; name the data folder of a `lectern serve` with --data."
        raise Failed(Exit.NO_INPUT, said)
    return Database(f"sqlite+aiosqlite:///{path}")


def _open_as_set(spec: ServiceSpec) -> Database:
    try:
        return open_database_unhurried(load(spec.settings))
    except InvalidSettings as error:
        if os.environ.get(variable(spec.settings, "database_url")):
            raise
        raise InvalidSettings(f"{error}\nor name a standalone's folder with --data.") from None
