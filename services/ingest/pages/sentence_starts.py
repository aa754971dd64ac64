"""Where sentences end, as well as is needed to cut pages. The segmenter does the fine work."""

import re
from collections.abc import Iterator

_END = re.compile(
    r"(?<![.!?…؟۔।॥።])[.!?…؟۔।॥።]++[\"'”’»)\]*]{0,8}+(?:\[\^\w{1,32}+\])?\s++(?=\S)"
    r"|(?<![。！？])[。！？]++[\"”’」』）]{0,4}+\s*+(?=\S)"
)
_WORD = re.compile(r"(?<![^\W\d_])[^\W\d_]++$")
_TAIL = re.compile(r"(?<![\"'”’»)\]*_」』）\s])(?:\[\^\w{1,32}+\]|[\"'”’»)\]*_」』）\s]){1,200}+$")
_TERMINATORS = ".!?…:;。！？：؟۔।॥።"
_LOOK_BACK = 12

_ABBREVIATIONS_WORDS = (
    "al approx art bzw ca cap cf ch co col cpt dr ed eds eg esp est etc ev fig figs ff gen "
    "gov hr hrsg ibid ie inc jr lt ltd max mgr mlle mme mr mrs ms mt nr no nos op para pp "
    "prof rep rev sec sen sgt sr st str tab usw vgl viz vol vols vs zb"
)
_ABBREVIATIONS = frozenset(_ABBREVIATIONS_WORDS.split())


def _abbreviation(text: str, dot: int) -> bool:
    word = _WORD.search(text, max(0, dot - _LOOK_BACK), dot)
    if word is None:
        return False
    return word[0].lower() in _ABBREVIATIONS or (len(word[0]) == 1 and word[0] != "I")


def sentence_starts(text: str) -> Iterator[int]:
    """Yield the offset of every sentence of ``text`` but the first, in order. Linear."""
    for end in _END.finditer(text):
        stop = end.start()
        if text[stop] in "。！？":
            yield end.end()
            continue
        dot = text[stop] == "." and text[stop : stop + 2] != ".."
        if not (dot and _abbreviation(text, stop)) and not text[end.end()].islower():
            yield end.end()


def ends_sentence(text: str) -> bool:
    """Say whether ``text`` ends where a sentence does; closing quotes and marks do not count."""
    bare = _TAIL.sub("", text[-200:])
    if not bare or bare[-1] not in _TERMINATORS:
        return False
    return not (bare[-1] == "." and _abbreviation(bare, len(bare) - 1) and not _capped(bare))


def _capped(text: str) -> bool:
    """Say whether the last word is one that ends sentences although it is an abbreviation."""
    return bool(re.search(r"\b(?:etc|usw|Inc|Ltd|Co|Jr|Sr|al)\.$", text))
