import pytest

from libs.common.utterances import SegmentedPage
from services.segmenter.page_work import cut_page
from services.segmenter.settings import Settings


def test_no_utterance_is_longer_than_allowed():
    body, _, utterances, characters = cut_page("word, " * 100, "en", max_characters=100)
    page = SegmentedPage.model_validate_json(body)
    assert max(len(each.text) for each in page.utterances) <= 100
    assert (utterances, characters) == (len(page.utterances), page.characters)


@pytest.mark.parametrize("nothing", ["", "\n", "![](a.png)\n", "---\n"])
def test_a_page_with_nothing_to_say_has_no_utterances(nothing):
    body, language, utterances, characters = cut_page(nothing, "de", max_characters=600)
    assert (language, utterances, characters) == ("de", 0, 0)
    assert SegmentedPage.model_validate_json(body).utterances == ()


def test_the_language_is_found_where_it_is_not_known():
    german = "Das Schiff fährt um sieben Uhr ab, und es ist nie zu spät. " * 3
    assert cut_page(german, "und", max_characters=600)[1] == "de"


def test_the_smallest_setting_that_is_allowed_can_be_cut_with():
    bound = Settings.model_fields["max_utterance_characters"].metadata[0]
    assert cut_page("One. Two. Three.", "en", max_characters=bound.ge)[2] == 3
