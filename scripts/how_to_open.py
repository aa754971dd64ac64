"""Say how to listen to a file on this machine: ``how_to_open.py BOOK PAGES_FOLDER``."""

import shutil
import sys
from pathlib import Path

OPENERS = {"darwin": ("open",), "linux": ("vlc", "mpv", "ffplay", "xdg-open")}
"""Programs that play or open an M4B, by ``sys.platform``; the first that is installed is named."""


def main() -> None:
    """Print the lines."""
    book, pages = Path(sys.argv[1]), Path(sys.argv[2])
    openers = OPENERS.get(sys.platform, ())
    opener = next((opener for opener in openers if shutil.which(opener)), None)
    where = f"{opener} {book}" if opener else f"any player of audiobooks, such as VLC: {book}"
    sys.stdout.write(
        f"to listen: {where}\n"
        f"also there: {pages}/page-0001.m4a and so on, with timings (.json) and captions (.vtt)\n"
    )


if __name__ == "__main__":
    main()
