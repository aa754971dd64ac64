"""Secrets of the links in mails: computed by who writes the mail and by who is shown the link.

A secret is the HMAC of the mail's id, so that no event, log or table has to hold it. What it is
good for, and until when, is a row of the gateway. See docs/decisions/0047.
"""

import base64
import hmac
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Self
from uuid import UUID

from libs.common.keyed_digests import keyed_digest

SHORTEST_KEY = 32
"""Characters."""
LINKS = "/links"


@dataclass(frozen=True)
class MailLinks:
    """The keys of an installation: the first one makes secrets, all of them are accepted."""

    keys: Sequence[bytes] = field(repr=False)

    @classmethod
    def read(cls, text: str) -> Self:
        """Read keys with commas between them.

        Raises:
            ValueError: There is none, or one is too short.
        """
        keys = [part.strip() for part in text.split(",") if part.strip()]
        if not keys or any(len(key) < SHORTEST_KEY for key in keys):
            raise ValueError(f"each key needs {SHORTEST_KEY} characters or more, at random")
        return cls([key.encode() for key in keys])

    def path(self, mail_id: UUID) -> str:
        """Return where the link of a mail leads, below the address of the gateway."""
        return f"{LINKS}/{mail_id}/{_secret(self.keys[0], mail_id)}"

    def has_secret(self, mail_id: UUID, given: str) -> bool:
        """Tell whether ``given`` is the secret of a mail, under any of the keys."""
        shown = given.encode(errors="replace")
        found = [hmac.compare_digest(_secret(key, mail_id).encode(), shown) for key in self.keys]
        return any(found)


def _secret(key: bytes, mail_id: UUID) -> str:
    digest = keyed_digest(key, "mail link", str(mail_id))
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
