from libs.common.contracts.pages import page_ranges
from services.gateway.narrations.tests.test_decide import narration, requested


def test_every_page_or_those_that_were_asked_for_as_far_as_there_are_such():
    assert narration(pages=None).selected(None) is None
    assert narration(pages=None).selected(3) == page_ranges((1, 2, 3))
    some = narration(pages=(1, 3, 4, 5, 9))
    assert some.selected(None) == page_ranges((1, 3, 4, 5, 9))
    assert some.selected(4) == page_ranges((1, 3, 4))


def test_how_a_page_is_to_sound():
    assert narration().spoken_as == requested().spoken_as == ("espeak", "en", 1.0)
