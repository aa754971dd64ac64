"""One audio per page, revision and sound: what was asked for format by format is one to people.

An audio is asked for by an event that says in which formats, and is told to be ready once: that is
promised. A format that somebody wants later is asked for as another audio, which is made from the
segments that are kept; here they become one, under the id of the oldest.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import TypeVar
from uuid import UUID

from services.gateway.audio.rows import AudioFilesRow, AudioRow, SpokenAs

A = TypeVar("A", bound=AudioRow)
SoundOfPage = tuple[UUID, int, int, SpokenAs]
"""Document, page, revision and sound."""


def one_per_sound(rows: Iterable[A]) -> list[A]:
    """Return ``rows``, oldest first, with those of one page, revision and sound as one."""
    alike: dict[SoundOfPage, list[A]] = {}
    for row in rows:
        key = row.document_id, row.page, row.revision, row.spoken_as
        alike.setdefault(key, []).append(row)
    return [_joined(found) for found in alike.values()]


def _joined(rows: Sequence[A]) -> A:
    """What can be heard is shown rather than what is made, and that rather than what failed."""
    if len(rows) == 1:
        return rows[0]
    best = max(rows, key=_rank)
    wanted = [row for row in rows if not row.has_failed] or rows
    formats = dict.fromkeys(name for row in wanted for name in row.formats)
    joined = replace(
        best,
        audio_id=rows[0].audio_id,
        requested_at=rows[0].requested_at,
        formats=tuple(formats),
    )
    if not isinstance(joined, AudioFilesRow) or joined.files is None:
        return joined
    there = [row.files for row in rows if isinstance(row, AudioFilesRow) and row.files is not None]
    by_format = {one.format: one for files in there for one in files.renditions}
    return replace(joined, files=replace(joined.files, renditions=tuple(by_format.values())))


def _rank(row: AudioRow) -> tuple[int, str]:
    return (2 if row.is_ready else 1 - row.has_failed), row.requested_at
