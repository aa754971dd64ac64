"""What a file says about itself, in the words of each container."""

from dataclasses import dataclass

# ISO 639-1 to the ISO 639-2 codes that MP4 and ID3 ask for.
ISO_639_2 = {
    "ar": "ara",
    "cs": "ces",
    "da": "dan",
    "de": "deu",
    "el": "ell",
    "en": "eng",
    "es": "spa",
    "fi": "fin",
    "fr": "fra",
    "he": "heb",
    "hi": "hin",
    "hu": "hun",
    "it": "ita",
    "ja": "jpn",
    "ko": "kor",
    "la": "lat",
    "nl": "nld",
    "no": "nor",
    "nb": "nob",
    "pl": "pol",
    "pt": "por",
    "ro": "ron",
    "ru": "rus",
    "sv": "swe",
    "tr": "tur",
    "uk": "ukr",
    "zh": "zho",
}

LARGEST_TRACK = 0xFFFF


@dataclass(frozen=True, kw_only=True)
class Tags:
    """Title and origin of a page or a book.

    ``language`` is BCP 47; empty means unknown. ``nonce`` keeps the digest of a file from telling
    what is said in it, see :mod:`libs.common.contracts.details`; players do not show it.
    """

    title: str
    author: str = ""
    album: str = ""
    language: str = "und"
    genre: str = "Audiobook"
    comment: str = ""
    track: str = ""
    nonce: str = ""

    @property
    def iso_639_2(self) -> str:
        """The language as three letters, ``und`` if it has none here."""
        primary = self.language.split("-")[0].lower()
        return ISO_639_2.get(primary, "und")

    @property
    def track_number(self) -> int:
        """The track as a number that tags can hold; 0 if it has none."""
        return min(int(self.track), LARGEST_TRACK) if self.track.isdecimal() else 0

    def for_container(self) -> dict[str, str]:
        """Return tags by libav's names, as MP4 and ID3v2 have them."""
        found = {
            "title": self.title,
            "artist": self.author,
            "album_artist": self.author,
            "album": self.album,
            "genre": self.genre,
            "comment": self.comment,
            "track": self.track,
            "nonce": self.nonce,
        }
        return {key: _plain(value) for key, value in found.items() if value}

    def for_vorbis(self) -> dict[str, str]:
        """Return Vorbis comments, which Ogg keeps on the stream."""
        found = {
            "TITLE": self.title,
            "ARTIST": self.author,
            "ALBUM": self.album,
            "GENRE": self.genre,
            "COMMENT": self.comment,
            "TRACKNUMBER": self.track,
            "NONCE": self.nonce,
            "LANGUAGE": "" if self.language == "und" else self.language,
        }
        return {key: _plain(value) for key, value in found.items() if value}


def _plain(value: str) -> str:
    """Drop what tags cannot hold: NUL ends them, and line breaks confuse players."""
    return " ".join(value.replace("\0", " ").split())
