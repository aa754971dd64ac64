"""Command lines of benches: ``--help`` of each prints what it measures."""

import argparse


def described(document: str | None) -> argparse.ArgumentParser:
    """Return a parser that shows the documentation of a module."""
    return argparse.ArgumentParser(
        description=document, formatter_class=argparse.RawDescriptionHelpFormatter
    )


def numbers(document: str | None, **defaults: int) -> list[int]:
    """Return numbers that may be given one after the other, as asked or as by default."""
    parser = described(document)
    for name, default in defaults.items():
        parser.add_argument(name, nargs="?", type=int, default=default, help=f"default: {default}")
    asked = parser.parse_args()
    return [getattr(asked, name) for name in defaults]
