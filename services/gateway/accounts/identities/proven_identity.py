"""Who somebody is at another site, once that site has proved it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from libs.common.errors import Rejected
from services.gateway.accounts.addresses import checked_address

MOST_SUBJECT_CHARACTERS = 255
"""OpenID Connect Core 1.0, section 2: of ``sub``."""


@dataclass(frozen=True, kw_only=True)
class ProvenIdentity:
    """A subject of an issuer; ``address`` is one that the issuer says is theirs, None without."""

    issuer: str
    subject: str = field(repr=False)
    address: str | None = field(repr=False)


def verified_address(said: Mapping[str, Any]) -> str | None:
    """Return the mail address of some claims, if the provider verified it.

    That is a boolean by OpenID Connect Core, section 5.1; some send it as text.
    """
    address, verified = said.get("email"), said.get("email_verified")
    if not isinstance(address, str) or not (verified is True or verified == "true"):
        return None
    try:
        return checked_address(address)
    except Rejected:
        return None
