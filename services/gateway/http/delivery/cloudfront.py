"""Signed URLs of a CloudFront distribution that has the bucket as its origin.

They are signed as Amazon's developer guide says of canned policies ("Create a signed URL using a
canned policy"): the policy names the whole URL and when it ends, and is not sent along. Its digest
is SHA-256, which the URL says in ``Hash-Algorithm``; botocore knows only the older form without it,
which means SHA-1.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import quote, urlencode

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from pydantic import SecretStr

KEY_BITS = 2048
"""CloudFront takes RSA keys of no other size."""


@dataclass(frozen=True, kw_only=True)
class CloudFront:
    """A distribution, and ``sign``: the RSA signature of a policy by the key of ``key_pair_id``."""

    domain: str
    key_pair_id: str
    sign: Callable[[bytes], bytes] = field(repr=False)

    def signed_url(
        self, key: str, *, ends_s: int, media_type: str, disposition: str | None = None
    ) -> str:
        """Return the URL of an object that is good until ``ends_s``, in seconds since 1970.

        Its query asks the bucket to answer as a signed URL of its own would.
        """
        from botocore.signers import CloudFrontSigner  # standalone needs none, and it loads slowly

        shown = {"response-content-type": media_type, "response-cache-control": "private"}
        if disposition is not None:
            shown["response-content-disposition"] = disposition
        url = f"https://{self.domain}/{quote(key)}?{urlencode(shown, quote_via=quote)}"
        signer = CloudFrontSigner(self.key_pair_id, self.sign)
        ends = datetime.fromtimestamp(ends_s, UTC)
        signed: str = signer.generate_presigned_url(url, date_less_than=ends)
        return f"{signed}&Hash-Algorithm=SHA256"


def distribution(
    *, domain: str | None, key_pair_id: str | None, pem: SecretStr | None, file: Path | None
) -> CloudFront | None:
    """Return the distribution that settings describe, the key as PEM or in a file; None if none do.

    Raises:
        ValueError: A part is missing, or the key is none. The message shows no value.
    """
    if not (domain or key_pair_id or pem or file):
        return None
    if not domain or not key_pair_id or bool(pem) == bool(file):
        raise ValueError(
            "GATEWAY_CLOUDFRONT_DOMAIN, GATEWAY_CLOUDFRONT_KEY_PAIR_ID and either "
            "GATEWAY_CLOUDFRONT_PRIVATE_KEY or GATEWAY_CLOUDFRONT_PRIVATE_KEY_FILE go together"
        )
    try:
        text = file.read_text() if file else pem.get_secret_value() if pem else ""
        sign = rsa_signer(text)
    except (OSError, UnicodeDecodeError) as error:
        raise ValueError("GATEWAY_CLOUDFRONT_PRIVATE_KEY_FILE cannot be read") from error
    except ValueError as error:
        name = "GATEWAY_CLOUDFRONT_PRIVATE_KEY" + "_FILE" * bool(file)
        raise ValueError(f"{name} holds {error}") from error
    return CloudFront(domain=domain, key_pair_id=key_pair_id, sign=sign)


def rsa_signer(pem: str) -> Callable[[bytes], bytes]:
    r"""Return what signs with a private key, given as PEM; line breaks may be written as ``\n``.

    Raises:
        ValueError: It is no RSA key of 2048 bits without a password. The message shows none of it.
    """
    try:
        key = load_pem_private_key(pem.replace("\\n", "\n").encode(), password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise ValueError("no private key as PEM without a password") from None
    if not isinstance(key, RSAPrivateKey) or key.key_size != KEY_BITS:
        raise ValueError(f"no RSA key of {KEY_BITS} bits, which CloudFront asks for")

    def sign(policy: bytes) -> bytes:
        return key.sign(policy, PKCS1v15(), SHA256())

    sign(b"")  # now rather than with the first request
    return sign
