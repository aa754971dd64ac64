"""Which language a document is in, as a BCP 47 primary subtag."""

import re
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from py3langid.langid import LanguageIdentifier

UNKNOWN = "und"

_SAMPLE_CHARS = 5000
_MIN_LETTERS = 12
_MIN_PROBABILITY = 0.6
_SUBTAG = re.compile(r"[a-z]{2,3}", re.ASCII)
_NOISE = re.compile(r"https?://\S++|\]\([^()\s]*+\)|[^\w\s]|\d++")

# ISO 639-2 codes, both kinds, of languages that have a two-letter code which people write as three
# letters in EPUB and PDF files (Library of Congress, ISO 639-2 code list).
_SHORTER = {
    "ara": "ar", "bul": "bg", "cat": "ca", "ces": "cs", "cze": "cs", "chi": "zh", "zho": "zh",
    "dan": "da", "deu": "de", "ger": "de", "dut": "nl", "nld": "nl", "ell": "el", "gre": "el",
    "eng": "en", "est": "et", "fas": "fa", "per": "fa", "fin": "fi", "fra": "fr", "fre": "fr",
    "heb": "he", "hin": "hi", "hrv": "hr", "hun": "hu", "ice": "is", "isl": "is", "ind": "id",
    "ita": "it", "jpn": "ja", "kor": "ko", "lat": "la", "lav": "lv", "lit": "lt", "nor": "no",
    "pol": "pl", "por": "pt", "ron": "ro", "rum": "ro", "rus": "ru", "slk": "sk", "slo": "sk",
    "slv": "sl", "spa": "es", "srp": "sr", "swe": "sv", "tha": "th", "tur": "tr", "ukr": "uk",
    "vie": "vi",
}  # fmt: skip


def normalize(tag: str | None) -> str | None:
    """Return the primary subtag of ``tag`` ("en-GB", "eng", "de_DE") or None if it says nothing."""
    primary = re.split(r"[-_.]", (tag or "").strip().lower())[0]
    if not _SUBTAG.fullmatch(primary) or primary in ("und", "mul", "zxx", "mis"):
        return None
    return _SHORTER.get(primary, primary)


@cache
def _identifier() -> "LanguageIdentifier":
    # Importing it costs a second: only documents that do not state their language pay.
    from py3langid.langid import MODEL_FILE, LanguageIdentifier

    return LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)


def preload_language_model() -> None:
    """Load the language model now rather than at the first document."""
    _identifier().classify("load")


class Language:
    """The language of a document, declared or guessed from the text seen so far."""

    def __init__(self, declared: str | None = None) -> None:
        self._declared = normalize(declared)
        self._sample = ""
        self._guess = UNKNOWN

    def of(self, markdown: str) -> str:
        """Return the language after having seen one more page.

        The guess rests on the first 5,000 letters, so that it settles: one page with a table of
        names must not change the voice in the middle of a book.
        """
        if self._declared:
            return self._declared
        if len(self._sample) < _SAMPLE_CHARS:
            room = _SAMPLE_CHARS - len(self._sample)
            self._sample += " " + _NOISE.sub(" ", markdown[: 2 * room])[:room]
            self._guess = self._classify()
        return self._guess

    def _classify(self) -> str:
        if sum(map(str.isalpha, self._sample)) < _MIN_LETTERS:
            return UNKNOWN
        name, probability = _identifier().classify(self._sample)
        return str(name) if probability >= _MIN_PROBABILITY else UNKNOWN

    @property
    def name(self) -> str:
        """What :meth:`of` returned last."""
        return self._declared or self._guess
