"""What a rebuild was begun with: another release may fold events another way."""

import hashlib
from collections.abc import Iterable
from functools import cache
from pathlib import Path

import libs.common
import services.gateway

ROOTS = tuple(Path(str(package.__file__)).parent for package in (libs.common, services.gateway))


@cache
def code_digest() -> str:
    """Return the SHA-256 of all code that decides what is in a read model, in hex.

    It is that of the whole gateway and of what services share, without their tests. Which modules a
    fold depends on cannot be read off the fold, and to begin anew takes minutes.
    """
    return digest_of(ROOTS)


def digest_of(roots: Iterable[Path]) -> str:
    """Return the SHA-256 of the names and contents of the modules below ``roots``, in hex."""
    digest = hashlib.sha256()
    for root in roots:
        for path in sorted(root.rglob("*.py")):
            name = path.relative_to(root)
            if not {"tests", "testing"} & set(name.parts):
                content = path.read_bytes()
                digest.update(f"{name} {len(content)} ".encode() + content)
    return digest.hexdigest()
