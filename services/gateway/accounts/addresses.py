"""Mail addresses of users: how they are compared."""

import unicodedata


def folded(address: str) -> str:
    """Return an address as it is compared: in one form of Unicode, without regard to case.

    RFC 5321 leaves case to whoever reads the mail; nobody tells two people apart by it.
    """
    return unicodedata.normalize("NFKC", address.strip()).casefold()
