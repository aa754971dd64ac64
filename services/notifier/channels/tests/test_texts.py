import pytest

from libs.common.contracts.base import MAX_PAGES
from libs.common.contracts.details import FailureDetails
from libs.common.contracts.pages import PageRange
from libs.common.errors import Permanent
from services.notifier.channels.texts import duration, mail_text, one_line, page_list, range_list
from services.notifier.notices import TYPES
from services.notifier.tests import samples

TOLD = [
    (samples.audio_ready(), None),
    (samples.audiobook_ready(), samples.book_contents()),
    (samples.narration_completed(), None),
    (samples.narration_failed(), None),
    (samples.audio_failed(), samples.why()),
    (samples.audiobook_failed(), samples.why()),
    (samples.document_rejected(), samples.why()),
    (samples.task_failed(), samples.why()),
]
FAILURES = [event for event, details in TOLD if isinstance(details, FailureDetails)]


@pytest.mark.parametrize(("event", "details"), TOLD, ids=lambda value: getattr(value, "topic", ""))
def test_every_type_has_words_and_leads_to_the_document(event, details):
    text = mail_text(event, details, public_url="https://lectern.example.org/")
    assert text.subject
    assert f"https://lectern.example.org/documents/{samples.DOCUMENT}" in text.body
    assert str(samples.DOCUMENT) in mail_text(event, details).body


@pytest.mark.parametrize("event", FAILURES, ids=lambda event: event.topic)
def test_a_failure_is_explained_by_its_details_and_else_by_its_code(event):
    explained = mail_text(event, samples.why()).body
    assert f"Why: {samples.WHY} (code {event.code})\n" in explained
    for other in (None, samples.book_contents()):
        assert f"Why: code {event.code}.\n" in mail_text(event, other).body


def test_the_samples_are_all_types():
    assert {event.topic for event, _ in TOLD} == set(TYPES)


def test_an_audiobook_is_named_measured_and_counted():
    text = mail_text(samples.audiobook_ready(), samples.book_contents())
    assert text.subject == "Audiobook ready: The Räuber"
    assert "9 hours and 12 minutes long, in 24 chapters" in text.body
    assert "M4B" in text.body


def test_pages_of_a_batch_are_told_together():
    text = mail_text(samples.audio_failed(3), pages=[3, 4, 5, 9], notices=4)
    assert text.subject == "Pages 3-5 and 9 could not be spoken"


def test_work_without_pages_is_counted():
    event = samples.task_failed(document_id=None, page=None, service="gateway", kind="x.y")
    text = mail_text(event, notices=3)
    assert "gave up x.y 3 times, after 8 attempts." in text.body
    assert "The document" not in text.body


def test_foreign_words_stay_on_one_line_and_short():
    title = "A\r\nBcc: x@y.z\x00\u202e" + "b" * 500
    text = mail_text(samples.audiobook_ready(), samples.book_contents(title))
    assert "\n" not in text.subject
    assert text.subject.startswith("Audiobook ready: A Bcc: x@y.z b")
    assert len(text.subject) < 200
    long = mail_text(samples.audio_failed(), samples.why("no\nno " * 80)).body
    assert len(long) < 1000
    assert "no no no" in long


@pytest.mark.parametrize("details", [samples.book_contents(" \n"), samples.why(), None])
def test_untitled(details):
    text = mail_text(samples.audiobook_ready(), details)
    assert text.subject == "Audiobook ready: Untitled"


def test_a_narration_with_missing_pages_is_told_in_part():
    text = mail_text(samples.narration_completed())
    assert text.subject == "A document can be heard, in part"
    assert "7 pages can be heard, 1 hour and 2 minutes in all." in text.body
    assert "Pages 3-5 and 9 could not be made audible." in text.body


def test_a_narration_that_is_whole_misses_nothing():
    whole = samples.narration_completed(pages_ready=11, pages_missing=0, missing=())
    text = mail_text(whole)
    assert text.subject == "A document can be heard"
    assert "could not" not in text.body


def test_a_narration_of_which_nothing_can_be_heard_tells_what_and_why():
    text = mail_text(samples.narration_failed())
    assert text.subject == "Nothing of a document could be spoken"
    assert "Pages 1-3 could not be made audible." in text.body
    assert "Why: code unknown_voice.\n" in text.body


def test_a_narration_of_a_document_that_was_not_read_misses_no_known_pages():
    unread = samples.narration_failed(pages_total=0, pages_missing=0, missing=())
    assert "made audible" not in mail_text(unread).body


def test_only_some_of_very_many_missing_pages_are_listed():
    odd = tuple(PageRange(first=page, last=page) for page in range(1, 2001, 2))
    text = mail_text(samples.narration_completed(pages_missing=1000, missing=odd))
    assert "79 and others could not be made audible." in text.body


def test_other_events_have_no_words():
    from libs.common.contracts.documents import DocumentDeleted

    event = DocumentDeleted(
        document_id=samples.DOCUMENT, owner_id=samples.OWNER, deleted_by=samples.OWNER
    )
    with pytest.raises(Permanent):
        mail_text(event)


@pytest.mark.parametrize(
    ("pages", "words"),
    [
        ([1], "Page 1"),
        ([1, 2], "Pages 1-2"),
        ([1, 3], "Pages 1 and 3"),
        ([1, 2, 5, 7, 8], "Pages 1-2, 5 and 7-8"),
        (list(range(1, 301)), "Pages 1-300"),
    ],
)
def test_page_list(pages, words):
    assert page_list(pages) == words


def test_ranges_are_not_counted_out():
    assert range_list([PageRange(first=1, last=MAX_PAGES)]) == "Pages 1-1000000"


def test_a_long_list_of_pages_is_cut():
    words = page_list(range(1, 1000, 2))
    assert words.endswith("79 and others")


@pytest.mark.parametrize(
    ("milliseconds", "words"),
    [
        (29_000, "less than a minute"),
        (60_000, "1 minute"),
        (3_600_000, "1 hour"),
        (3_660_000, "1 hour and 1 minute"),
        (7_200_000 + 59_000, "2 hours and 1 minute"),
    ],
)
def test_duration(milliseconds, words):
    assert duration(milliseconds) == words


def test_one_line():
    assert one_line(" a\r\n\tb\u2028c\x7f ") == "a b c"
