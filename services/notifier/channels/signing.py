"""Signatures of webhooks, as Standard Webhooks 1.0 has them.

The signature is HMAC-SHA256 over ``id.timestamp.body`` with the decoded secret. Source:
https://github.com/standard-webhooks/standard-webhooks, spec/standard-webhooks.md,
"Signature scheme" and "Webhook headers (metadata)". While a secret is replaced there are two, and a
signature of each: the receiver may know either.
"""

import base64
import binascii
import hashlib
import hmac
from collections.abc import Sequence
from datetime import datetime

PREFIX = "whsec_"
MIN_KEY_BYTES = 24
MAX_KEY_BYTES = 64


def signing_key(secret: str) -> bytes:
    """Return the key that a secret ``whsec_<base64>`` stands for.

    Raises:
        ValueError: The secret is not of that form, or its key not 24 to 64 bytes long. The message
            does not repeat the secret.
    """
    try:
        key = base64.b64decode(secret.removeprefix(PREFIX), validate=True)
    except (binascii.Error, ValueError):
        raise ValueError("not whsec_ followed by base64") from None
    if not secret.startswith(PREFIX) or not MIN_KEY_BYTES <= len(key) <= MAX_KEY_BYTES:
        raise ValueError("not whsec_ followed by 24 to 64 bytes in base64")
    return key


def signed_headers(
    keys: Sequence[bytes], message_id: str, moment: datetime, body: bytes
) -> dict[str, str]:
    """Return the three headers of one attempt; ``moment`` is when it is made."""
    timestamp = str(int(moment.timestamp()))
    content = b".".join((message_id.encode(), timestamp.encode(), body))
    return {
        "webhook-id": message_id,
        "webhook-timestamp": timestamp,
        "webhook-signature": " ".join(f"v1,{_signature(key, content)}" for key in keys),
    }


def _signature(key: bytes, content: bytes) -> str:
    return base64.b64encode(hmac.new(key, content, hashlib.sha256).digest()).decode()
