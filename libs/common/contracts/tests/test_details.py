import json
from uuid import uuid4

import pytest
from pydantic import ValidationError

from libs.common.contracts.details import (
    MAX_TITLE_CHARACTERS,
    UNTITLED,
    BookContents,
    BookPage,
    Chapter,
    Details,
    FailureDetails,
    PageText,
    ParsedDocument,
    SubmittedDocument,
    new_nonce,
    title_of,
)

CHAPTERS = (Chapter(title="Eins", first_page=1), Chapter(title="Zwei", first_page=3, level=2))


@pytest.mark.parametrize(
    "details",
    [
        SubmittedDocument(url="https://example.org/a?b=c", title="A name"),
        ParsedDocument(
            title="T", author="A", chapters=CHAPTERS, warnings=("Page 3 is a picture.",)
        ),
        PageText(markdown="# Grüße\n\n👋", title="Grüße"),
        BookContents(
            title="T", chapters=CHAPTERS, pages=(BookPage(page=1, audio_id=uuid4()),), language="de"
        ),
        FailureDetails(reason="It is protected by a password."),
    ],
    ids=lambda details: type(details).__name__,
)
def test_details_survive_being_stored_with_their_version(details: Details):
    stored = details.to_json()
    assert type(details).model_validate_json(stored) == details
    assert json.loads(stored)["version"] == 1


def test_what_says_the_same_has_different_bytes():
    """Else whoever has the digest of an object, which stays in events, could guess what it says."""
    one, other = (FailureDetails(reason="It is empty.") for _ in range(2))
    assert one.to_json() != other.to_json()


def test_a_nonce_is_128_random_bits():
    found = {new_nonce() for _ in range(100)}
    assert len(found) == 100
    assert all(len(bytes.fromhex(nonce)) == 16 for nonce in found)


def test_fields_of_a_later_release_are_passed_over():
    stored = json.dumps({"reason": "x", "nonce": "n", "version": 1, "more": {"new": True}})
    assert FailureDetails.model_validate_json(stored).reason == "x"


def test_chapters_start_on_a_page_at_a_level_from_1():
    assert Chapter(title="One", first_page=1).level == 1
    for wrong in ({"first_page": 0}, {"level": 0}):
        with pytest.raises(ValidationError):
            Chapter.model_validate({"title": "One", "first_page": 1, "level": 1} | wrong)


def test_an_audiobook_has_pages():
    with pytest.raises(ValidationError):
        BookContents(title="T", pages=())


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
