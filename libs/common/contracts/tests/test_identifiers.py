import threading
import time
from datetime import UTC, datetime
from uuid import RFC_4122, UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from libs.common.contracts import identifiers
from libs.common.contracts.identifiers import (
    OCTETS,
    UNDETERMINED,
    Code,
    Language,
    MediaType,
    Name,
    ObjectKey,
    StreamName,
    VoiceName,
    as_language,
    as_media_type,
    uuid7,
)

MOMENT_NS = 1_795_000_000_123_456_789
STEP_NS = 1_000_000 / 4096


@pytest.fixture
def clock(monkeypatch):
    """A clock that goes where the test says; this process has made no UUID before."""

    class Clock:
        now_ns = MOMENT_NS

    monkeypatch.setattr(identifiers, "_last", 0)
    monkeypatch.setattr(time, "time_ns", lambda: Clock.now_ns)
    return Clock


def fields(made: UUID) -> tuple[int, int, int, int, int]:
    """Milliseconds, version, rand_a, variant and rand_b (RFC 9562, figure 11)."""
    whole = made.int
    return (
        whole >> 80,
        whole >> 76 & 0xF,
        whole >> 64 & 0xFFF,
        whole >> 62 & 0b11,
        whole & (1 << 62) - 1,
    )


def test_the_layout_is_that_of_rfc_9562(clock):
    made = uuid7()
    milliseconds, version, steps, variant, random = fields(made)
    assert milliseconds == MOMENT_NS // 1_000_000
    assert (version, made.version) == (7, 7)
    assert (variant, made.variant) == (0b10, RFC_4122)
    assert steps == MOMENT_NS % 1_000_000 * 4096 // 1_000_000
    assert random != fields(uuid7())[4]


def test_the_example_of_the_rfc_is_read_as_it_says():
    """Appendix A.6: 2022-02-22 14:22:22-05:00."""
    milliseconds, version, _, variant, _ = fields(UUID("017F22E2-79B0-7CC3-98C4-DC0C0C07398F"))
    assert datetime.fromtimestamp(milliseconds / 1000, UTC).isoformat() == (
        "2022-02-22T19:22:22+00:00"
    )
    assert (version, variant) == (7, 0b10)


def test_the_time_can_be_read_back():
    before = time.time_ns()
    milliseconds, _, steps, _, _ = fields(uuid7())
    made_at_ns = milliseconds * 1_000_000 + steps * STEP_NS
    assert before - 2 * STEP_NS <= made_at_ns <= time.time_ns() + 2 * STEP_NS


def test_made_later_it_sorts_later():
    made = [uuid7() for _ in range(20_000)]
    assert made == sorted(set(made))
    assert [str(one) for one in made] == sorted(str(one) for one in made)


def test_it_sorts_later_while_the_clock_stands_still_and_over_the_millisecond(clock):
    clock.now_ns = MOMENT_NS // 1_000_000 * 1_000_000 + 999_900  # a few steps before the next
    made = [uuid7() for _ in range(5000)]
    assert made == sorted(set(made))
    assert fields(made[-1])[0] > fields(made[0])[0]
    assert {fields(one)[1:4:2] for one in made} == {(7, 0b10)}


def test_it_sorts_later_when_the_clock_goes_back_and_keeps_up_when_it_goes_on(clock):
    first = uuid7()
    clock.now_ns = MOMENT_NS - 3_600_000_000_000
    second = uuid7()
    assert first < second
    assert fields(second)[0] == MOMENT_NS // 1_000_000
    clock.now_ns = MOMENT_NS + 5_000_000
    assert fields(uuid7())[0] == clock.now_ns // 1_000_000


def test_threads_never_make_the_same_instant_twice():
    made: list[list[UUID]] = [[] for _ in range(4)]

    def make(into: list[UUID]) -> None:
        into.extend(uuid7() for _ in range(2000))

    threads = [threading.Thread(target=make, args=(into,)) for into in made]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({one.int >> 64 for into in made for one in into}) == 4 * 2000
    assert all(into == sorted(into) for into in made)


@pytest.mark.parametrize("tag", ["en", "de-CH", "zh-Hant-TW", "ca-valencia", "ru-x-classic", "mul"])
def test_a_language_tag_is_kept(tag):
    assert as_language(tag) == tag
    assert TypeAdapter(Language).validate_python(tag) == tag


@pytest.mark.parametrize(
    "found", [None, "", "e", "en ", "en_US", "en-", "English, I think", "en\n", "en-toolongapart"]
)
def test_what_is_no_language_tag_is_undetermined(found):
    assert as_language(found) == UNDETERMINED


@pytest.mark.parametrize(
    "media_type",
    [
        "application/pdf",
        "text/markdown; charset=utf-8",
        "text/html;charset=UTF-8",
        "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
        "audio/ogg; codecs=opus",
        "image/svg+xml",
    ],
)
def test_a_media_type_is_kept(media_type):
    assert as_media_type(media_type) == media_type
    assert TypeAdapter(MediaType).validate_python(media_type) == media_type


@pytest.mark.parametrize(
    "found",
    [
        None,
        "",
        "pdf",
        "text/",
        "text/plain; a title of mine",
        'text/plain; name="A title.txt"',
        "text/plain\n",
        "a title/by an author",
        "text/html; " + "; ".join(["a=b"] * 4),
    ],
)
def test_what_is_no_media_type_is_octets(found):
    assert as_media_type(found) == OCTETS


@given(st.text() | st.from_regex(identifiers.LANGUAGE_PATTERN))
def test_whatever_is_found_events_can_hold_it_as_a_language(found):
    TypeAdapter(Language).validate_python(as_language(found))


@given(st.text() | st.from_regex(identifiers.MEDIA_TYPE_PATTERN))
def test_whatever_is_found_events_can_hold_it_as_a_media_type(found):
    TypeAdapter(MediaType).validate_python(as_media_type(found))


@pytest.mark.parametrize(
    ("kind", "fitting"),
    [
        (Code, ["encrypted", "too_large", "http_404", "x" * 50]),
        (Name, ["espeak", "document.deleted", "m4a", "page-text"]),
        (VoiceName, ["en-us", "Joanna", "af_sky(2)+af_bella(1)", "chr-us-qaaa-x-west"]),
        (ObjectKey, ["documents/0f/pages/00001.r0.json", "a", "x" * 512]),
        (StreamName, ["document/1", "page/0f8b2c44-d1aa/7", "engine/espeak"]),
    ],
)
def test_patterns_take_what_they_are_for(kind, fitting):
    for text in fitting:
        assert TypeAdapter(kind).validate_python(text) == text


SENTENCES = [
    "A title, by its author (2026).",
    "Über den Wolken",
    "war and peace",
    "《围城》",
    "jo@example.org wrote",
    "line\nbreak",
    "tab\tbed",
    "no-break\N{NO-BREAK SPACE}space",
    "",
]


@pytest.mark.parametrize(
    "kind", [Code, Name, VoiceName, Language, MediaType, ObjectKey, StreamName]
)
@pytest.mark.parametrize("sentence", SENTENCES)
def test_patterns_refuse_what_people_write(kind, sentence):
    with pytest.raises(ValidationError):
        TypeAdapter(kind).validate_python(sentence)


@pytest.mark.parametrize(
    "kind", [Code, Name, VoiceName, Language, MediaType, ObjectKey, StreamName]
)
def test_no_line_break_hides_at_an_end(kind):
    """In some dialects of regular expressions ``$`` matches before it."""
    for text in ("en\n", "document/1\n", "text/plain\n", "\nen"):
        with pytest.raises(ValidationError):
            TypeAdapter(kind).validate_python(text)
