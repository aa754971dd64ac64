import json
from uuid import uuid4

import pytest
from pydantic import ValidationError

from libs.common.contracts.details import (
    MAX_TITLE_CHARACTERS,
    UNTITLED,
    AudiobookContents,
    AudiobookPage,
    Chapter,
    Details,
    FailureDetails,
    PageText,
    ParsedDocument,
    SubmittedDocument,
    new_nonce,
    title_of,
)
from libs.common.errors import Malformed, UnknownVersion

CHAPTERS = (
    Chapter(title="Eins", first_page=1, level=1),
    Chapter(title="Zwei", first_page=3, level=2),
)


@pytest.mark.parametrize(
    "details",
    [
        SubmittedDocument(
            url="https://example.org/a?b=c", title="A name", object=None, filename=None
        ),
        ParsedDocument(
            title="T", author="A", chapters=CHAPTERS, warnings=("Page 3 is a picture.",), cover=None
        ),
        PageText(markdown="# Grüße\n\n👋", title="Grüße"),
        AudiobookContents(
            title="T",
            chapters=CHAPTERS,
            pages=(AudiobookPage(page=1, audio_id=uuid4()),),
            language="de",
            author=None,
            cover=None,
        ),
        FailureDetails(reason="It is protected by a password."),
    ],
    ids=lambda details: type(details).__name__,
)
def test_details_survive_being_stored_with_their_version(details: Details):
    stored = details.encode()
    assert type(details).read(stored) == details
    assert json.loads(stored)["version"] == 1


def test_what_says_the_same_has_different_bytes():
    """Else whoever has the digest of an object, which stays in events, could guess what it says."""
    one, other = (FailureDetails(reason="It is empty.") for _ in range(2))
    assert one.encode() != other.encode()


def test_a_nonce_is_128_random_bits():
    found = {new_nonce() for _ in range(100)}
    assert len(found) == 100
    assert all(len(bytes.fromhex(nonce)) == 16 for nonce in found)


def test_fields_of_a_later_release_are_passed_over():
    stored = {"reason": "x", "nonce": new_nonce(), "version": 1, "more": {"new": True}}
    assert FailureDetails.read(json.dumps(stored).encode()).reason == "x"


def test_details_of_a_later_version_are_told_from_damaged_ones():
    with pytest.raises(UnknownVersion, match="FailureDetails v2 is newer than v1"):
        FailureDetails.read(b'{"version":2,"why":"x"}')
    with pytest.raises(Malformed, match="check nonce, reason") as caught:
        FailureDetails.read(b'{"version":1,"nonce":"a sentence that nobody may see"}')
    assert caught.value.__cause__ is None  # it quotes what was read


def test_details_of_an_old_version_are_lifted():
    class SecondDetails(FailureDetails):
        version = 2
        upcasters = {1: lambda body: {**body, "advice": "Try again."}}  # noqa: RUF012

        advice: str

    old = FailureDetails(reason="x")
    lifted = SecondDetails(nonce=old.nonce, reason="x", advice="Try again.")
    assert SecondDetails.read(old.encode()) == lifted
    assert SecondDetails.model_validate(old.as_json()) == lifted  # from a column


def test_chapters_start_on_a_page_at_a_level_from_1():
    assert Chapter(title="One", first_page=1, level=1).level == 1
    for wrong in ({"first_page": 0}, {"level": 0}):
        with pytest.raises(ValidationError):
            Chapter.model_validate({"title": "One", "first_page": 1, "level": 1} | wrong)


def test_an_audiobook_has_pages():
    with pytest.raises(ValidationError):
        AudiobookContents(title="T", pages=(), author=None, language="und", chapters=(), cover=None)


@pytest.mark.parametrize(
    ("candidates", "title"),
    [
        ((), UNTITLED),
        ((None, "", "  \n"), UNTITLED),
        ((None, "  Found  ", "not this"), "Found"),
        (("x" * 300,), "x" * MAX_TITLE_CHARACTERS),
    ],
)
def test_a_title_is_the_first_that_says_anything(candidates, title):
    assert title_of(*candidates) == title
