"""Checks of the source and the output before anything is read, so that mistakes show at once."""

import os
from pathlib import Path

from lectern.exits import Exit, Failed
from lectern.reading import ReadRequest


def check_source(wanted: ReadRequest) -> None:
    """Raise Failed if the source cannot be read at all."""
    if wanted.is_url:
        return
    path = Path(wanted.source)
    if path.is_dir():
        raise Failed(Exit.NO_INPUT, f"{wanted.source} is a folder; name a file.")
    if not path.is_file():
        raise Failed(Exit.NO_INPUT, f"There is no file {wanted.source}; check the name.")
    if not os.access(path, os.R_OK):
        raise Failed(Exit.NO_INPUT, f"The file {wanted.source} may not be read; check its rights.")


def check_output(wanted: ReadRequest) -> None:
    """Make the folders that are written to.

    Raises:
        Failed: Something stands in the way, or may not be written.
    """
    targets = {wanted.output: wanted.output.parent}
    if wanted.pages_folder is not None:
        targets[wanted.pages_folder] = wanted.pages_folder
    for target, folder in targets.items():
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise Failed(
                Exit.CANNOT_WRITE,
                f"cannot write {target}: there can be no folder {folder} ({error.strerror})",
            ) from error
        if not os.access(folder, os.W_OK | os.X_OK):
            raise Failed(Exit.CANNOT_WRITE, f"The folder {folder} may not be written to.")
    if wanted.output.is_dir():
        raise Failed(Exit.CANNOT_WRITE, f"{wanted.output} is a folder; name a file with -o.")
