"""Signs links for players, such as ``<audio src>``, that cannot send a token.

    1764331200.7c9e6679-7425-40de-944b-e07fc1f90ae7.kJ8...   until when (Unix time), who, signature

The signature is an HMAC of the audio, the moment and the user, under the key of the installation's
links in mails; a label keeps the two apart. It says who asked and until when, and no more: what
the user may hear is looked up with each request.
"""

import base64
import hmac
from dataclasses import dataclass
from uuid import UUID

from libs.common.keyed_digests import keyed_digest
from libs.common.mail_links import MailLinks

LABEL = "playback link"
LONGEST = 200


@dataclass(frozen=True, kw_only=True)
class PlaybackLink:
    """Who may hear an audio, if they still may, and until when, in seconds since 1970."""

    audio_id: UUID
    user_id: UUID
    expires_s: int

    def signed(self, keys: MailLinks) -> str:
        """Return it as one word, signed with the first key."""
        return f"{self.expires_s}.{self.user_id}.{self._signature(keys.keys[0])}"

    def has_signature(self, given: str, keys: MailLinks) -> bool:
        """Tell whether ``given`` is its signature, under any of the keys."""
        shown = given.encode(errors="replace")
        found = [hmac.compare_digest(self._signature(key).encode(), shown) for key in keys.keys]
        return any(found)

    def _signature(self, key: bytes) -> str:
        parts = (LABEL, str(self.audio_id), str(self.user_id), str(self.expires_s))
        return base64.urlsafe_b64encode(keyed_digest(key, *parts)).rstrip(b"=").decode()


def checked_link(
    audio_id: UUID, given: str, keys: MailLinks | None, now_s: float
) -> PlaybackLink | None:
    """Return the link that ``given`` is of an audio; None if it is none, or too old."""
    parts = given.split(".")
    if keys is None or len(given) > LONGEST or len(parts) != 3 or not parts[0].isdecimal():  # noqa: PLR2004 - see above
        return None
    try:
        link = PlaybackLink(audio_id=audio_id, user_id=UUID(parts[1]), expires_s=int(parts[0]))
    except ValueError:
        return None
    return link if link.has_signature(parts[2], keys) and now_s < link.expires_s else None
