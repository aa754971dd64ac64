"""Mail addresses of users: how they are compared, and what may be one."""

import unicodedata
from email.errors import HeaderParseError
from email.headerregistry import Address

from libs.common.errors import Rejected

MOST_CHARACTERS = 254
"""RFC 5321, section 4.5.3.1.3, without the angle brackets."""
MOST_LOCAL = 64
_NEVER = set(' "(),:;<>[]\\')
"""Signs that only quoted local parts may have, which nobody uses but to confuse."""


def folded(address: str) -> str:
    """Return an address as it is compared: in one form of Unicode, without regard to case.

    RFC 5321 leaves case to whoever reads the mail; nobody tells two people apart by it. A domain
    compares as people read it, also where it was written for machines (RFC 3490, section 4.2).
    """
    local, at, domain = address.strip().rpartition("@")
    return unicodedata.normalize("NFKC", f"{local}{at}{_readable(domain)}").casefold()


def _readable(domain: str) -> str:
    try:
        return domain.lower().encode("ascii").decode("idna")
    except UnicodeError:  # it is readable already, or no name of a host
        return domain


def is_same_mailbox(one: str, other: str) -> bool:
    """Tell whether two addresses lead to one mailbox; of those that compare equal, not all do."""
    return one.strip().lower() == other.strip().lower()


def checked_address(text: str) -> str:
    """Return a mail address that somebody wrote, without the spaces around it.

    Whether mail arrives there, only a mail tells: so no more is asked than that it may be one.

    Raises:
        Rejected: It is none.
    """
    address = text.strip()
    local, at, domain = address.rpartition("@")
    fits = local and at and domain and len(address) <= MOST_CHARACTERS and len(local) <= MOST_LOCAL
    if not fits or not address.isprintable() or any(sign in _NEVER for sign in address):
        raise _no_address()
    try:
        Address(addr_spec=address)
        domain.encode("idna")
    except (ValueError, IndexError, HeaderParseError):
        raise _no_address() from None
    return address


def _no_address() -> Rejected:
    return Rejected("bad_address", "This is no mail address; write it as name@example.org.")
