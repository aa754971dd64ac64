import pytest

from libs.common.errors import Permanent
from services.notifier.channels.texts import duration, mail_text, one_line, page_list
from services.notifier.notices import TYPES
from services.notifier.tests import samples

EVENTS = [
    samples.audio_ready(),
    samples.audiobook_ready(),
    samples.audio_failed(),
    samples.audiobook_failed(),
    samples.document_rejected(),
    samples.task_failed(),
]


@pytest.mark.parametrize("event", EVENTS, ids=lambda event: event.topic)
def test_every_type_has_words_and_leads_to_the_document(event):
    text = mail_text(event, public_url="https://lectern.example.org/")
    assert text.subject
    assert f"https://lectern.example.org/documents/{samples.DOCUMENT}" in text.body
    assert str(samples.DOCUMENT) in mail_text(event).body
    assert getattr(event, "reason", "") in text.body


def test_the_samples_are_all_types():
    assert {event.topic for event in EVENTS} == set(TYPES)


def test_an_audiobook_is_named_measured_and_counted():
    text = mail_text(samples.audiobook_ready())
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
    text = mail_text(samples.audiobook_ready(title="A\r\nBcc: x@y.z\x00\u202e" + "b" * 500))
    assert "\n" not in text.subject
    assert text.subject.startswith("Audiobook ready: A Bcc: x@y.z b")
    assert len(text.subject) < 200
    long = mail_text(samples.audio_failed(reason="no\nno " * 500)).body
    assert len(long) < 1000
    assert "no no no" in long


def test_untitled():
    assert mail_text(samples.audiobook_ready(title=" \n")).subject == "Audiobook ready: Untitled"


def test_other_events_have_no_words():
    from libs.common.contracts.documents import DocumentDeleted

    event = DocumentDeleted(document_id=samples.DOCUMENT, deleted_by=samples.DOCUMENT)
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
