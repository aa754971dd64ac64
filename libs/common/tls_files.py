"""Certificates and keys that settings name: looked at while settings are read, and told apart.

OpenSSL says of neither a missing file nor a wrong one which it was, and asks the terminal for the
password of a key.
"""

import ssl
from dataclasses import dataclass
from pathlib import Path

CERTIFICATE, KEY = b"CERTIFICATE-----", b"PRIVATE KEY-----"


@dataclass(frozen=True, kw_only=True)
class TlsFiles:
    """Whom we believe, and who we are; without ``ca`` the system's authorities are believed."""

    ca: Path | None = None
    certificate: Path | None = None
    key: Path | None = None


class _Encrypted(Exception):
    """A key has a password."""


def tls_context(files: TlsFiles, prefix: str) -> ssl.SSLContext:
    """Return a context that checks the server's certificate and name, and shows ours, if any.

    ``prefix`` begins the names of the settings, as in ``{prefix}_CA_FILE``.

    Raises:
        ValueError: A file cannot be read or is not what it has to be; says which setting named it.
    """
    ca, certificate, key = (
        f"{prefix}_{role}_FILE: {path}"
        for role, path in (("CA", files.ca), ("CERTIFICATE", files.certificate), ("KEY", files.key))
    )
    _check(files.ca, CERTIFICATE, ca, "certificates")
    try:
        context = ssl.create_default_context(cafile=str(files.ca) if files.ca else None)
    except ssl.SSLError as error:
        raise _unusable(ca, error, "certificates") from error
    if files.certificate is None or files.key is None:
        return context
    _check(files.certificate, CERTIFICATE, certificate, "our certificate")
    _check(files.key, KEY, key, "the key of our certificate")
    try:
        context.load_cert_chain(files.certificate, files.key, _password)
    except _Encrypted:
        said = f"{key} has a password; name a file with the key (PEM) without one"
        raise ValueError(said) from None
    except ssl.SSLError as error:
        raise _unusable(f"{certificate} with {key}", error, "a certificate and its key") from error
    return context


def _password() -> str:
    raise _Encrypted


def _check(path: Path | None, mark: bytes, setting: str, what: str) -> None:
    if path is None:
        return
    try:
        has_it = mark in path.read_bytes()
    except OSError as error:
        said = f"{setting} cannot be read ({error.strerror}); name a file with {what} (PEM)"
        raise ValueError(said) from error
    if not has_it:
        raise ValueError(f"{setting} does not hold {what} as PEM; convert it with openssl")


def _unusable(setting: str, error: ssl.SSLError, what: str) -> ValueError:
    return ValueError(f"{setting} cannot be used ({error.reason}); it takes {what}, as PEM")
