import pytest

from libs.common.contracts.details import BIDI_CONTROLS, MAX_TITLE_CHARACTERS
from libs.common.errors import Rejected
from services.gateway.documents.listing.document_titles import (
    LONGEST_SORT_KEY,
    checked_title,
    folded_title,
    sort_key,
)

SCRIPTS = ["A name", "Ελένη", "שלום", "日本語の本", "क्षितिज", "👩‍👩‍👧 of us", "é" * 255]


@pytest.mark.parametrize("title", SCRIPTS)
def test_any_script_is_kept_as_it_was_given(title):
    assert checked_title(f"  {title} ") == title


@pytest.mark.parametrize(
    "letter", ["\0", "\n", "\t", "\x1b", "\x85", "\u2028", *sorted(BIDI_CONTROLS)]
)
def test_what_is_no_letter_of_a_title(letter):
    with pytest.raises(Rejected) as caught:
        checked_title(f"A{letter}B")
    assert caught.value.code == "bad_title"


@pytest.mark.parametrize("title", ["", "  ", "x" * (MAX_TITLE_CHARACTERS + 1)])
def test_a_title_has_bounds(title):
    with pytest.raises(Rejected) as caught:
        checked_title(title)
    assert caught.value.code == "bad_title"


@pytest.mark.parametrize(
    ("one", "other"),
    [("ÉCOLE", "école"), ("ΣΊΣΥΦΟΣ", "σίσυφος"), ("Straße", "STRASSE"), ("ﬁn", "FIN")],
)
def test_titles_that_differ_in_case_are_folded_alike(one, other):
    assert folded_title(one) == folded_title(other)


def test_an_index_has_room_for_what_titles_are_sorted_by():
    assert len(folded_title("\ufdfa" * 255)) > LONGEST_SORT_KEY
    assert len(sort_key("\ufdfa" * 255)) == LONGEST_SORT_KEY
