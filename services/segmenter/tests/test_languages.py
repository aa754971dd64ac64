import pytest

from services.segmenter.languages import SILENT, primary, vocabulary_for
from services.segmenter.tables import LONGEST_NAME
from services.segmenter.vocabulary import Vocabulary

TABLES = [vocabulary_for(each) for each in ("en", "de", "fr", "es")]


def test_a_language_is_found_by_its_primary_tag():
    assert primary("en-GB") == primary("EN_us") == "en"
    assert vocabulary_for("en-GB").language == "en"
    assert vocabulary_for("tlh") is SILENT


@pytest.mark.parametrize("words", TABLES, ids=lambda each: each.language)
def test_a_table_is_complete(words: Vocabulary):
    assert len(words.months) == 12
    assert set(words.month_abbreviations.values()) <= set(words.months)
    assert words.footnote
    assert words.to
    assert words.percent
    assert "{host}" in words.link
    assert {"{day}", "{month}", "{year}"} <= {
        f"{{{p}}}" for p in ("day", "month", "year") if p in words.date
    }
    assert words.function_words
    assert all(each == each.lower() for each in words.function_words)
    assert all(each[0].isupper() for each in words.starters)
    assert set(words.cents) <= set(words.currencies)


@pytest.mark.parametrize("words", TABLES, ids=lambda each: each.language)
def test_announcements_fit_into_the_smallest_limit(words: Vocabulary):
    said = (words.code, words.done, words.to_do, words.footnote + " 123456.")
    assert all(len(each) <= LONGEST_NAME for each in said)
    assert len(f", {words.link.format(host='x' * 40)}, ") <= 56
