"""The text of one block as one string, and where in the page each of its characters is."""

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from operator import itemgetter


@dataclass(frozen=True, slots=True)
class Content:
    """Lines of a block without the marks of the quotes and lists around them.

    ``origins`` are pairs ascending in both: from this offset of ``text`` on, characters follow
    one another in the page from that offset on. A line's final newline is part of it.
    """

    text: str
    origins: Sequence[tuple[int, int]] = field(default=((0, 0),))

    @classmethod
    def of_lines(cls, source: str, lines: Sequence[tuple[int, int]]) -> "Content":
        """Join ``lines``, half-open ranges of ``source``, with newlines."""
        origins: list[tuple[int, int]] = []
        position = 0
        for start, end in lines:
            if not origins or origins[-1][1] - origins[-1][0] != start - position:
                origins.append((position, start))
            position += end - start + 1
        return cls("\n".join(source[start:end] for start, end in lines), origins)

    @property
    def start(self) -> int:
        """Where the block's text begins in the page."""
        return self.origins[0][1]

    @property
    def end(self) -> int:
        """Where the block's text ends in the page."""
        return self.before(len(self.text))

    def at(self, position: int) -> int:
        """Return where in the page the character at ``position`` begins."""
        text_start, source_start = self.origins[self._origin(position)]
        return source_start + position - text_start

    def before(self, position: int) -> int:
        """Return where in the page the character before ``position`` ends."""
        return self.at(position - 1) + 1 if position else self.at(0)

    def pieces(self, start: int, end: int) -> Iterator[tuple[int, int, int]]:
        """Yield (start, end, source start) of the runs that make up ``[start, end)``."""
        index = self._origin(start)
        while start < end:
            text_start, source_start = self.origins[index]
            index += 1
            stop = min(end, self.origins[index][0]) if index < len(self.origins) else end
            yield start, stop, source_start + start - text_start
            start = stop

    def _origin(self, position: int) -> int:
        return bisect_right(self.origins, position, key=itemgetter(0)) - 1
