import pytest

from libs.common.contracts.details import PageText
from libs.common.contracts.speech.utterances import SegmentedPage
from services.segmenter.cutting.page_task import cut_page
from services.segmenter.settings import Settings


@pytest.mark.slow
def test_no_utterance_is_longer_than_allowed():
    cut = cut_page(PageText(markdown="word, " * 100, title=None), "en", max_characters=100)
    page = SegmentedPage.read(cut.body)
    assert max(len(utterance.text) for utterance in page.utterances) <= 100
    assert (cut.utterances, cut.characters) == (len(page.utterances), page.characters)


@pytest.mark.parametrize("nothing", ["", "\n", "![](a.png)\n", "---\n"])
def test_a_page_with_nothing_to_say_has_no_utterances(nothing):
    cut = cut_page(PageText(markdown=nothing, title=None), "de", max_characters=600)
    assert (cut.language, cut.utterances, cut.characters) == ("de", 0, 0)
    assert SegmentedPage.read(cut.body).utterances == ()


@pytest.mark.slow
def test_the_language_is_found_where_it_is_not_known():
    german = PageText(
        markdown="Das Schiff fährt um sieben Uhr ab, und es ist nie zu spät. " * 3, title=None
    )
    assert cut_page(german, "und", max_characters=600).language == "de"


def test_the_smallest_setting_that_is_allowed_can_be_cut_with():
    bound = Settings.model_fields["max_utterance_characters"].metadata[0]
    text = PageText(markdown="One. Two. Three.", title=None)
    assert cut_page(text, "en", max_characters=bound.ge).utterances == 3


@pytest.mark.parametrize("title", ["Kapitel „Eins“", None])
def test_title_and_nonce_are_those_of_the_text(title):
    text = PageText(markdown="Hm.", title=title)
    page = SegmentedPage.read(cut_page(text, "de", max_characters=600).body)
    assert (page.nonce, page.title) == (text.nonce, title)


def test_the_same_text_is_cut_into_the_same_bytes():
    text = PageText(markdown="One. Two. Three.", title="Numbers")
    first, second = (cut_page(text, "en", max_characters=600) for _ in range(2))
    assert first.body == second.body
