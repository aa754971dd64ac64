"""Tracebacks that quote nothing: where it happened and what it was, without what was said about it.

The message of an exception, its notes and the lines of code may hold what a document says, or what
somebody has sent; the log of a service is not the place for it. Only at the level DEBUG, which is
for the machine of a developer, are tracebacks those of Python.
"""

from collections.abc import Iterator
from traceback import walk_tb
from types import TracebackType
from typing import TypeAlias

ExcInfo: TypeAlias = tuple[type[BaseException], BaseException, TracebackType | None]

MAX_FRAMES = 50
"""Of one exception; those left out are in the middle."""
MAX_EXCEPTIONS = 50
"""In one traceback, causes and members of groups among them."""

_CAUSED = "The above exception was the direct cause of the following exception:"
_DURING = "During handling of the above exception, another exception occurred:"


def without_messages(exc_info: ExcInfo) -> str:
    """Return the traceback of an exception and of what led to it: frames and types."""
    _, error, traceback = exc_info
    return "\n".join(_Telling().lines(error, traceback))


class _Telling:
    """One traceback, of at most ``MAX_EXCEPTIONS``."""

    def __init__(self) -> None:
        self._left = MAX_EXCEPTIONS

    def lines(self, error: BaseException, traceback: TracebackType | None) -> Iterator[str]:
        """Yield the lines of a chain, its first cause first, as Python does."""
        *earlier, _ = chain = self._chain(error)
        for found, link in earlier:
            yield from self._one(found, found.__traceback__)
            yield from ("", link, "")
        yield from self._one(chain[-1][0], traceback)

    def _chain(self, error: BaseException) -> list[tuple[BaseException, str]]:
        """Return what led to an exception, each with what links it to the next; it is the last."""
        chain, seen = [(error, "")], {id(error)}
        self._left -= 1
        while self._left > 0:
            link = _CAUSED if error.__cause__ is not None else _DURING
            before = error.__cause__
            if before is None and not error.__suppress_context__:
                before = error.__context__
            if before is None or id(before) in seen:
                break
            chain.append((before, link))
            seen.add(id(before))
            self._left -= 1
            error = before
        return chain[::-1]

    def _one(self, error: BaseException, traceback: TracebackType | None) -> Iterator[str]:
        if traceback is not None:
            yield "Traceback (most recent call last):"
            yield from _frames(traceback)
        yield _type_name(type(error))
        if not isinstance(error, BaseExceptionGroup):
            return
        members = error.exceptions
        for number, member in enumerate(members, 1):
            if self._left <= 0:
                yield f"  (and {len(members) - number + 1} more)"
                return
            yield f"  [{number} of {len(members)}]"
            for line in self.lines(member, member.__traceback__):
                yield f"  {line}" if line else ""


def _frames(traceback: TracebackType) -> list[str]:
    frames = [
        f'  File "{frame.f_code.co_filename}", line {line}, in {frame.f_code.co_name}'
        for frame, line in walk_tb(traceback)
    ]
    left_out = len(frames) - MAX_FRAMES
    if left_out <= 0:
        return frames
    half = MAX_FRAMES // 2
    return [*frames[:half], f"  ({left_out} frames more)", *frames[-half:]]


def _type_name(kind: type[BaseException]) -> str:
    """Return the type as Python names it, with its module."""
    module = "" if kind.__module__ in ("builtins", "__main__") else f"{kind.__module__}."
    return f"{module}{kind.__qualname__}"
