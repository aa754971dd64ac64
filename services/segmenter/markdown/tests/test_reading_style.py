from dataclasses import astuple

from services.segmenter.markdown.reading_style import Pauses


def test_silences_grow_with_what_they_separate_and_stay_below_two_seconds():
    pauses = Pauses()
    inside = (pauses.clause, pauses.sentence, pauses.list_item, pauses.paragraph, pauses.heading)
    assert list(inside) == sorted(inside)
    assert max(astuple(pauses)) < 2000
