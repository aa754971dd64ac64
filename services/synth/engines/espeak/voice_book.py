"""Voices of espeak-ng: its tags turned into ids and BCP 47, and found by any of their names."""

from collections.abc import Iterable
from typing import NamedTuple

from services.synth.engines.port import Voice

FALLBACK = "en-us"
# Where the tag of espeak-ng is not BCP 47, or means another place there: "ca-ba" is Bosnia.
_BCP_47 = {
    "ca-ba": "ca-x-balear",
    "ca-nw": "ca-x-nordocc",
    "ca-va": "ca-valencia",
    "chr-us-qaaa-x-west": "chr-US-x-west",
    "en-us-nyc": "en-US-x-nyc",
    "piqd": "tlh",
    "ru-cl": "ru-x-classic",
}
# Test voices, whose tags name no language; and two that are silent, without a dictionary.
_LEFT_OUT = frozenset({"art/xex", "art/py", "gmq/fo", "trk/kaa"})
# What a bare language means here, where espeak-ng would choose otherwise or not at all.
_PREFERRED = {"en": "en-us", "zh": "cmn"}
_SCRIPT_LENGTH = 4
_REGION_LENGTH = 2


class RawVoice(NamedTuple):
    """A voice as espeak-ng lists it. The first tag is its own; a low priority is a good match."""

    name: str
    tags: list[tuple[int, str]]
    identifier: str
    gender: str | None


class VoiceBook:
    """All voices of one espeak-ng, by id and by every other name they go by."""

    def __init__(self, listed: Iterable[RawVoice]) -> None:
        self._identifiers: dict[str, str] = {}
        self._aliases: dict[str, str] = {}
        weaker: list[tuple[int, str, str]] = []
        voices = []
        for raw in listed:
            if raw.identifier not in _LEFT_OUT:
                voice = self._enter(raw)
                voices.append(voice)
                weaker += [(priority, _normal(tag), voice.id) for priority, tag in raw.tags]
        self.voices = tuple(voices)
        for _, tag, voice_id in sorted(weaker, key=lambda weak: weak[0]):
            self._aliases.setdefault(tag, voice_id)

    def _enter(self, raw: RawVoice) -> Voice:
        file_name = _normal(raw.identifier.rpartition("/")[2])
        own_tag = _normal(raw.tags[0][1]) if raw.tags else file_name
        # Cantonese in two scripts has one tag: the second voice goes by its file's name.
        voice_id = file_name if own_tag in self._identifiers else own_tag
        self._identifiers[voice_id] = raw.identifier
        for name in (_normal(raw.identifier), file_name):
            self._aliases.setdefault(name, voice_id)
        return Voice(
            engine="espeak",
            id=voice_id,
            name=raw.name,
            language=bcp_47(voice_id),
            gender=raw.gender,
        )

    def identifier(self, voice: str) -> str | None:
        """The file that espeak-ng knows ``voice`` by: given as id, file name or language tag."""
        name = _normal(voice)
        return self._identifiers.get(name) or self._identifiers.get(self._aliases.get(name, ""))

    def for_language(self, language: str) -> str:
        """Id of the voice for a BCP 47 tag: the tag's own, else its language's, else English."""
        tag = _normal(language)
        while tag:
            for found in (_PREFERRED.get(tag), tag, self._aliases.get(tag)):
                if found in self._identifiers:
                    return str(found)
            tag = tag.rpartition("-")[0]
        return FALLBACK


def bcp_47(tag: str) -> str:
    """Write an espeak-ng tag as BCP 47 does: ``en-us`` is ``en-US``, ``fa-latn`` ``fa-Latn``."""
    if tag in _BCP_47:
        return _BCP_47[tag]
    language, *rest = tag.split("-")
    written = [language]
    for index, part in enumerate(rest):
        if part == "x":
            return "-".join([*written, *rest[index:]])
        if len(part) == _SCRIPT_LENGTH and part.isalpha():
            written.append(part.title())
        else:
            written.append(part.upper() if len(part) == _REGION_LENGTH else part)
    return "-".join(written)


def _normal(name: str) -> str:
    return name.strip().lower().replace("_", "-")
