"""What is decided from rows alone: no database, no broker."""

from uuid import UUID

import pytest

from libs.common.contracts.base import ObjectRef
from libs.common.contracts.details import SubmittedDocument
from libs.common.contracts.pages import page_ranges
from services.gateway.audio.rows import AudioRow
from services.gateway.documents.rows import DocumentRow, PageRow
from services.gateway.narrations.decide import decide_audios, plan_audiobook
from services.gateway.narrations.rows import NarrationRow, RequestedPage

DOCUMENT, OWNER, NARRATION = UUID(int=1), UUID(int=2), UUID(int=3)
SEGMENTS = ObjectRef(key="s", sha256="0" * 64, size=1, media_type="application/octet-stream")


def requested(page=1, revision=0, formats=("m4a",), utterances=2, rate=1.0):
    return RequestedPage(
        document_id=DOCUMENT,
        owner_id=OWNER,
        page=page,
        segments=SEGMENTS,
        segments_revision=revision,
        segments_characters=9,
        utterances=utterances,
        requested_by=OWNER,
        engine="espeak",
        voice="en",
        rate=rate,
        formats=formats,
    )


def audio(
    page=1,
    revision=0,
    formats=("m4a",),
    rate=1.0,
    ready_at="t",
    failed_at=None,
    given_up_at=None,
    number=0,
):
    return AudioRow(
        audio_id=UUID(int=100 + page + 10 * number),
        document_id=DOCUMENT,
        page=page,
        revision=revision,
        engine="espeak",
        voice="en",
        rate=rate,
        formats=formats,
        requested_at="r",
        done=None,
        total=None,
        duration_ms=None,
        ready_at=ready_at,
        failed_code=None,
        failed_reason=None,
        failed_at=failed_at,
        given_up_at=given_up_at,
    )


def test_what_is_asked_for_twice_is_spoken_once():
    decided = decide_audios([requested(), requested(), requested(page=2)], [])
    assert [event.page for event in decided] == [1, 2]


@pytest.mark.parametrize(
    ("page", "spoken", "count"),
    [
        (requested(), audio(), 0),
        (requested(), audio(ready_at=None), 0),
        (requested(), audio(formats=("m4a", "mp3")), 0),
        (requested(formats=("m4a", "mp3")), audio(), 1),
        (requested(revision=1), audio(), 1),
        (requested(rate=2.0), audio(), 1),
        (requested(page=2), audio(), 1),
        (requested(utterances=0), audio(page=9), 0),
    ],
)
def test_an_audio_serves_whoever_wants_the_same(page, spoken, count):
    assert len(decide_audios([page], [spoken])) == count


def test_what_was_just_decided_counts():
    first = decide_audios([requested()], [])
    assert decide_audios([requested()], first) == []


def narration(pages=None, audiobook="m4b"):
    return NarrationRow(
        narration_id=NARRATION,
        document_id=DOCUMENT,
        owner_id=OWNER,
        requested_by=OWNER,
        requested_at="t",
        pages=None if pages is None else page_ranges(pages),
        engine="espeak",
        voice="en",
        rate=1.0,
        formats=("m4a",),
        audiobook=audiobook,
        ended_at=None,
        ended_before_read=None,
        missing=None,
    )


def document(parsed_at="t", page_count=2):
    return DocumentRow(
        document_id=DOCUMENT,
        owner_id=OWNER,
        source_kind="url",
        submitted=SubmittedDocument(url="https://x.org/a", object=None, filename=None, title=None),
        submitted_at="t",
        language=None,
        media_type=None,
        page_count=page_count,
        characters=1,
        parsed=None,
        parsed_at=parsed_at,
        rejected_code=None,
        rejected_reason=None,
        rejected_at=None,
        given_up_code=None,
        given_up_reason=None,
        given_up_at=None,
    )


def cut(page, utterances=2, edited=None, segments=0):
    return PageRow(
        page=page,
        extracted_characters=9,
        edited_revision=edited,
        segments_revision=segments,
        segments_characters=9,
        utterances=utterances,
        failed_code=None,
        failed_reason=None,
    )


def pages(*rows):
    return {row.page: row for row in rows}


def test_an_audiobook_when_all_pages_are_there():
    found = pages(cut(1), cut(2))
    made = plan_audiobook(narration(), document(), found, [audio(2), audio(1)])
    assert made is not None
    assert [page.audio_id for page in made.pages] == [UUID(int=101), UUID(int=102)]
    assert [page.page for page in made.pages] == [1, 2]
    assert made.title == "https://x.org/a"


def test_the_newest_audio_of_a_page():
    newer = audio(1, ready_at="u", number=5)
    made = plan_audiobook(narration((1,)), document(), pages(cut(1)), [newer, audio(1)])
    assert made is not None
    assert [page.audio_id for page in made.pages] == [newer.audio_id]


@pytest.mark.parametrize(
    ("asked", "of", "rows", "audios"),
    [
        (narration(audiobook=None), document(), [cut(1), cut(2)], [audio(1), audio(2)]),
        (narration(), document(parsed_at=None), [cut(1), cut(2)], [audio(1), audio(2)]),
        (narration(), document(), [cut(1)], [audio(1), audio(2)]),
        (narration(), document(), [cut(1), cut(2, edited=1)], [audio(1), audio(2)]),
        (narration(), document(), [cut(1), cut(2)], [audio(1)]),
        (narration(), document(), [cut(1), cut(2)], [audio(1), audio(2, ready_at=None)]),
        (narration(), document(), [cut(1), cut(2)], [audio(1), audio(2, rate=2.0)]),
        (narration(), document(), [cut(1), cut(2)], [audio(1), audio(2, formats=("mp3",))]),
        (narration(), document(), [cut(1, 0), cut(2, 0)], []),
    ],
)
def test_no_audiobook_while_something_is_missing(asked, of, rows, audios):
    assert plan_audiobook(asked, of, pages(*rows), audios) is None


def test_silent_pages_are_left_out():
    found = pages(cut(1, utterances=0), cut(2))
    made = plan_audiobook(narration(), document(), found, [audio(2)])
    assert made is not None
    assert [page.page for page in made.pages] == [2]
