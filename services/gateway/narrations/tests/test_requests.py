import pytest
from pydantic import ValidationError

from libs.common.contracts.pages import MAX_RANGES, PageRange, page_ranges
from services.gateway.narrations.options import NarrationOptions
from services.gateway.narrations.requests import (
    MAX_NUMBERS,
    AudiobookRequest,
    NarrationRequest,
    ranges_of,
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
    expected = None if meant is None else page_ranges(meant)
    assert NarrationRequest(pages=pages).options() == NarrationOptions(pages=expected)


@pytest.mark.parametrize(
    "pages", ["", "a", "0", "5-1", "1-", "-3", "1-999999", [], [0], [10**9], {"a": 1}, 3, "1,,2"]
)
def test_what_is_no_list_of_pages(pages):
    with pytest.raises(ValidationError):
        NarrationRequest(pages=pages)


def test_ranges_stay_ranges():
    """One request with 4,000 times all pages stopped the gateway for a minute."""
    again = ",".join(["1-100000"] * MAX_RANGES)
    assert ranges_of(again) == (PageRange(first=1, last=100_000),)
    assert ranges_of("11-12,2-9,1-5,1-5,10") == (PageRange(first=1, last=12),)
    with pytest.raises(ValidationError, match="at most 1000 ranges"):
        NarrationRequest(pages=again + ",1")
    with pytest.raises(ValidationError, match="or write ranges"):
        NarrationRequest(pages=[1] * (MAX_NUMBERS + 1))


@pytest.mark.parametrize("wrong", [{"rate": 0.1}, {"format": "wav"}, {"audiobook": "m4a"}])
def test_what_cannot_be_ordered(wrong):
    with pytest.raises(ValidationError):
        NarrationRequest(**wrong)


def test_an_audiobook_is_made_from_pages_of_its_format():
    assert AudiobookRequest().options().formats == ("m4a",)
    assert AudiobookRequest(format="mp3").options().formats == ("mp3",)
    assert AudiobookRequest(format="mp3").options().pages is None


@pytest.mark.parametrize("rate", ["1", "1.0", True])
@pytest.mark.parametrize("kind", [NarrationRequest, AudiobookRequest])
def test_a_rate_is_a_number(kind, rate):
    with pytest.raises(ValidationError):
        kind(rate=rate)
    assert kind(rate=1).rate == kind(rate=1.0).rate == 1.0
    assert kind(rate=None).options().rate is None


@pytest.mark.parametrize("pages", ["\u0661", "\u0661-\u0665", "\uff11"])
def test_numbers_of_pages_are_written_in_ascii(pages):
    with pytest.raises(ValidationError):
        NarrationRequest(pages=pages)
