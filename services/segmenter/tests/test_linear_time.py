"""Cutting a page takes time linear in it, whatever it consists of."""

import pytest

from libs.common.testing.costs.hostile_patterns import MOST_WITH_OBJECTS, growth, repeated
from services.segmenter.cutting.segment import segment_page

HOSTILE = [
    *("www.a.b.", "www.", "awww.", "http://a/", "[", "![a](", "[a](b '", "[^a]", "[^a]: b\n\n"),
    *("*a", "`a", "` `` ", "<a ", "<!--", "$a ", "&amp;", "> ", "- a\n", "a|b\n", "\\", "\\("),
    *('"a" ', "“a” ", "1,000", "1-", "$1 ", "St. ", ". . ", "漢。", "\t", "[a]: b\n", "a@b.c "),
]


@pytest.mark.alone
@pytest.mark.slow
@pytest.mark.parametrize("unit", HOSTILE)
def test_cutting_is_linear(unit):
    def cut(text: str) -> None:
        segment_page(text, "en")

    cut("Load the patterns and the model. 5 km.")
    assert growth(cut, repeated("", unit, ""), 1000) <= MOST_WITH_OBJECTS
