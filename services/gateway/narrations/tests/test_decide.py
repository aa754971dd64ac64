"""What is decided from rows alone: no database, no broker."""

from dataclasses import replace
from datetime import UTC, datetime
from uuid import UUID

import pytest

from libs.common.contracts.base import ObjectRef
from libs.common.contracts.details import AudiobookPage, SubmittedDocument
from libs.common.contracts.pages import page_ranges
from services.gateway.audio.rows import AudioRow
from services.gateway.documents.rows import DocumentRow
from services.gateway.narrations.decide import audiobook_contents, decide_audios
from services.gateway.narrations.rows import DailyBudget, NarrationRow, RequestedPage

DOCUMENT, OWNER, NARRATION = UUID(int=1), UUID(int=2), UUID(int=3)
MOST = 4
SEGMENTS = ObjectRef(key="s", sha256="0" * 64, size=1, media_type="application/octet-stream")


UNLIMITED = DailyBudget(now=datetime(2026, 11, 28, 12, tzinfo=UTC), most=0)


def requested(page=1, revision=0, formats=("m4a",), utterances=2, rate=1.0, cost=9):
    return RequestedPage(
        narration_id=NARRATION,
        document_id=DOCUMENT,
        owner_id=OWNER,
        page=page,
        segments=SEGMENTS,
        segments_revision=revision,
        segments_characters=9,
        utterances=utterances,
        cost=cost,
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
    decided = decide_audios([requested(), requested(), requested(page=2)], [], MOST, UNLIMITED)
    assert [event.page for event in decided.requests] == [1, 2]


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
    assert len(decide_audios([page], [spoken], MOST, UNLIMITED).requests) == count


def test_what_was_just_decided_counts():
    first = decide_audios([requested()], [], MOST, UNLIMITED).requests
    assert decide_audios([requested()], first, MOST, UNLIMITED).requests == []


def test_only_the_formats_that_are_missing_are_asked_for():
    wanted = requested(formats=("m4a", "mp3", "opus"))
    (asked,) = decide_audios(
        [wanted], [audio(), audio(formats=("opus",))], MOST, UNLIMITED
    ).requests
    assert asked.formats == ("mp3",)


def test_a_page_that_has_as_many_sounds_as_it_may_gets_no_other_one():
    spoken = [audio(), audio(rate=1.5), audio(rate=2.0, revision=1), audio(page=2, rate=3.0)]
    rates = [requested(rate=2.0), requested(rate=1.5, formats=("mp3",)), requested(page=2)]
    decided = decide_audios(rates, spoken, 2, UNLIMITED)
    assert decided.refused == rates[:1]
    assert [(asked.page, asked.rate) for asked in decided.requests] == [(1, 1.5), (2, 1.0)]
    assert decide_audios(
        [requested(rate=2.0), requested(rate=2.5)], [audio()], 2, UNLIMITED
    ).refused == [requested(rate=2.5)]


def limited(most, counted=0):
    return replace(UNLIMITED, most=most, counted=counted)


def pages_asked(decided):
    return [asked.page for asked in decided.requests]


def test_what_a_day_has_no_room_for_is_put_off_with_all_behind_it():
    wanted = [requested(1), requested(2), requested(3, cost=11), requested(4, cost=1)]
    decided = decide_audios(wanted, [], MOST, limited(20))
    assert pages_asked(decided) == [1, 2]
    assert decided.put_off == wanted[2:]
    assert (decided.budget.counted, decided.budget.spent) == (0, 18)
    assert {asked.occurred_at for asked in decided.requests} == {UNLIMITED.now}


def test_what_costs_nothing_goes_though_others_are_put_off():
    wanted = [requested(1), requested(2, cost=0), requested(3), requested(3, formats=("mp3",))]
    decided = decide_audios(wanted, [], MOST, limited(9, counted=1))
    assert pages_asked(decided) == [2]
    assert decided.put_off == [wanted[0], *wanted[2:]]


def test_another_format_of_what_is_asked_for_costs_nothing():
    wanted = [requested(), requested(formats=("mp3",))]
    decided = decide_audios(wanted, [], MOST, limited(9))
    assert [asked.formats for asked in decided.requests] == [("m4a",), ("mp3",)]
    assert decided.budget.spent == 9


def test_a_page_that_is_longer_than_a_day_goes_as_the_first_of_one():
    assert pages_asked(decide_audios([requested(cost=99)], [], MOST, limited(10))) == [1]
    assert pages_asked(decide_audios([requested(cost=99)], [], MOST, limited(10, 1))) == []
    both = decide_audios([requested(cost=99), requested(2)], [], MOST, limited(10))
    assert pages_asked(both) == [1]


def test_a_refused_page_costs_nothing():
    decided = decide_audios([requested(rate=2.0)], [audio()], 1, limited(9))
    assert (len(decided.refused), decided.budget.spent) == (1, 0)


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


def test_an_audiobook_says_what_its_document_says():
    pages = [AudiobookPage(page=1, audio_id=UUID(int=101))]
    made = audiobook_contents(document(), pages)
    assert (made.title, made.language, made.pages) == ("https://x.org/a", "und", tuple(pages))
