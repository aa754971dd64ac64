"""The language of a paragraph.

A page's language is known; a paragraph is only taken to be in another one if it is long enough to
tell, does not have the small words of the page's language, and the identifier is sure. So most
paragraphs never reach the identifier, whose model costs 0.8 s and 125 MB on its first use.
"""

import re
from functools import cache
from typing import TYPE_CHECKING, Final

from services.segmenter.wording.languages import primary, vocabulary_for

if TYPE_CHECKING:
    from py3langid.langid import LanguageIdentifier

UNKNOWN: Final = "und"

_FEWEST_LETTERS: Final = 60
_FEWEST_IDEOGRAPHS: Final = 20
_PAGE_LETTERS: Final = 20
_SURE: Final = 0.9
_LIKELY: Final = 0.6
_SAMPLE: Final = 600
_PAGE_SAMPLE: Final = 2000
_SMALL_WORDS_SHARE: Final = 0.15
_CODE_LENGTH: Final = 2
_IDEOGRAPHS: Final = 0x2E80
_WORD: Final = re.compile(r"[^\W\d_]+")
_NOT_PROSE: Final = re.compile(r"\]\([^()\s]*+\)|(?i:https?://)\S++|<[^<>]*+>|`[^`]*+`")
_NEIGHBORS: Final = (
    frozenset({"no", "nb", "nn", "da"}),
    frozenset({"hr", "sr", "bs", "sh"}),
    frozenset({"id", "ms"}),
    frozenset({"cs", "sk"}),
    frozenset({"pt", "gl"}),
)
"""Languages that a paragraph does not tell apart."""


def language_of(paragraph: str, page_language: str) -> str:
    """Return the BCP 47 language of a paragraph, which is the page's unless it surely is not."""
    if len(paragraph) < _FEWEST_IDEOGRAPHS:
        return page_language
    sample = _NOT_PROSE.sub(" ", paragraph[: 2 * _SAMPLE])[:_SAMPLE]
    words = _WORD.findall(sample)
    if not _is_long_enough(words):
        return page_language
    small = vocabulary_for(page_language).function_words
    if sum(word.lower() in small for word in words) >= _SMALL_WORDS_SHARE * len(words):
        return page_language
    found, sureness = identify(" ".join(words))
    own = primary(page_language)
    if sureness < _SURE or len(found) != _CODE_LENGTH or found == own:
        return page_language
    neighbors = any({found, own} <= group for group in _NEIGHBORS)
    return page_language if neighbors else found


def language_of_page(markdown: str, stated: str) -> str:
    """Return ``stated``, or what the page seems to be written in if that is unknown."""
    if stated and primary(stated) != UNKNOWN:
        return stated
    words = _WORD.findall(_NOT_PROSE.sub(" ", markdown[:_PAGE_SAMPLE]))
    if sum(map(len, words)) < _PAGE_LETTERS:
        return UNKNOWN
    found, sureness = identify(" ".join(words))
    return found if sureness >= _LIKELY and len(found) == _CODE_LENGTH else UNKNOWN


def identify(text: str) -> tuple[str, float]:
    """Return the likeliest ISO 639 code and its probability, from 0 to 1."""
    code, sureness = _identifier().classify(text)
    return str(code), float(sureness)


def load_language_model() -> None:
    """Load the model now, rather than with the first foreign paragraph."""
    _identifier()


def _is_long_enough(words: list[str]) -> bool:
    letters = sum(map(len, words))
    if letters >= _FEWEST_LETTERS:
        return True
    return letters >= _FEWEST_IDEOGRAPHS and all(ord(word[0]) >= _IDEOGRAPHS for word in words)


@cache
def _identifier() -> "LanguageIdentifier":
    # Imported here, for it brings numpy: 0.3 s that a page in a known language need not wait.
    from py3langid.langid import MODEL_FILE, LanguageIdentifier

    return LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)
