from typing import get_args

import pytest
from pydantic import TypeAdapter, ValidationError

from libs.common.contracts.formats import (
    MEDIA_TYPES,
    AudiobookFormat,
    PageFormat,
    Rate,
    page_format_of,
)


def test_every_format_has_a_media_type_and_no_other_has():
    assert set(MEDIA_TYPES) == {*get_args(PageFormat), *get_args(AudiobookFormat)}
    assert {kind.partition("/")[0] for kind in MEDIA_TYPES.values()} == {"audio"}


@pytest.mark.parametrize("book", get_args(AudiobookFormat))
def test_pages_of_an_audiobook_have_a_format_whose_packets_fit_in_it(book):
    page = page_format_of(book)
    assert page in get_args(PageFormat)
    assert MEDIA_TYPES[page] == MEDIA_TYPES[book]


def test_an_m4b_is_made_of_m4a():
    assert page_format_of("m4b") == "m4a"


@pytest.mark.parametrize("rate", [0.5, 1, 3.0])
def test_rates_are_between_half_and_three(rate):
    assert TypeAdapter(Rate).validate_python(rate) == rate


@pytest.mark.parametrize("rate", [0.49, 3.01, -1, "fast"])
def test_other_rates_are_refused(rate):
    with pytest.raises(ValidationError):
        TypeAdapter(Rate).validate_python(rate)
