import pytest
from pydantic import ValidationError

from libs.common.contracts.pages import MAX_RANGES
from services.gateway.narrations.options import NarrationOptions
from services.gateway.narrations.requests import (
    AudiobookRequest,
    NarrationRequest,
    joined,
    page_numbers,
)


@pytest.mark.parametrize(
    ("pages", "meant"),
    [
        (None, None),
        ([3, 1, 3], (1, 3)),
        ("1-5,8", (1, 2, 3, 4, 5, 8)),
        (" 2 , 4 - 4 ", (2, 4)),
        ("2-4,1-3,4-4,9,3", (1, 2, 3, 4, 9)),
    ],
)
def test_pages(pages, meant):
    assert NarrationRequest(pages=pages).options() == NarrationOptions(pages=meant)


@pytest.mark.parametrize(
    "pages", ["", "a", "0", "5-1", "1-", "-3", "1-999999", [], [0], [10**9], {"a": 1}, 3, "1,,2"]
)
def test_what_is_no_list_of_pages(pages):
    with pytest.raises(ValidationError):
        NarrationRequest(pages=pages)


def test_pages_that_are_said_again_and_again_are_counted_out_once():
    """One request with 4,000 times all pages stopped the gateway for a minute."""
    again = ",".join(["1-100000"] * MAX_RANGES)
    assert page_numbers(again) == list(range(1, 100_001))
    assert joined([(1, 5)] * 3 + [(2, 9), (11, 12)]) == [(1, 9), (11, 12)]
    with pytest.raises(ValidationError, match="at most 1000 ranges"):
        NarrationRequest(pages=again + ",1")


@pytest.mark.parametrize("wrong", [{"rate": 0.1}, {"format": "wav"}, {"audiobook": "m4a"}])
def test_what_cannot_be_ordered(wrong):
    with pytest.raises(ValidationError):
        NarrationRequest(**wrong)


def test_an_audiobook_is_made_from_pages_of_its_format():
    assert AudiobookRequest().options().formats == ("m4a",)
    assert AudiobookRequest(format="mp3").options().formats == ("mp3",)
    assert AudiobookRequest(format="mp3").options().pages is None
