"""The languages that the segmenter knows words of, one module each."""

from services.segmenter.wording.languages import english, french, german, spanish
from services.segmenter.wording.vocabulary import Vocabulary

SILENT = Vocabulary(
    language="und", function_words=frozenset(), starters=frozenset(), conjunctions=()
)
"""For languages without a table: nothing is expanded, nothing is announced in words."""

_TABLES = {
    vocabulary.language: vocabulary
    for vocabulary in (english.VOCABULARY, german.VOCABULARY, french.VOCABULARY, spanish.VOCABULARY)
}


def vocabulary_for(language: str) -> Vocabulary:
    """Return the table for a BCP 47 tag, by its primary language."""
    return _TABLES.get(primary(language), SILENT)


def primary(language: str) -> str:
    """Return the primary language of a BCP 47 tag, in lower case."""
    return language.replace("_", "-").partition("-")[0].lower()
