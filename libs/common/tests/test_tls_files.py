import ssl
from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.x509.oid import NameOID

from libs.common.tls_files import TlsFiles, tls_context

PEM = serialization.Encoding.PEM


@pytest.fixture
def files(tmp_path):
    """A certificate of its own authority, its key, and files that are neither."""
    key, other = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "kafka")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now)
        .not_valid_after(now + timedelta(days=1))
        .sign(key, SHA256())
    )
    plain, secret = serialization.NoEncryption(), serialization.BestAvailableEncryption(b"x")
    form = serialization.PrivateFormat.PKCS8
    contents = {
        "ca.crt": certificate.public_bytes(PEM),
        "der.crt": certificate.public_bytes(serialization.Encoding.DER),
        "broken.crt": b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
        "our.key": key.private_bytes(PEM, form, plain),
        "other.key": other.private_bytes(PEM, form, plain),
        "secret.key": key.private_bytes(PEM, form, secret),
        "empty": b"",
    }
    for file, content in contents.items():
        (tmp_path / file).write_bytes(content)
    return tmp_path


def test_files_that_fit_make_a_context_that_checks(files):
    context = tls_context(
        TlsFiles(ca=files / "ca.crt", certificate=files / "ca.crt", key=files / "our.key"), "KAFKA"
    )
    assert (context.verify_mode, context.check_hostname) == (ssl.CERT_REQUIRED, True)
    assert len(context.get_ca_certs()) <= 1  # one that is no authority is not counted
    assert tls_context(TlsFiles(), "KAFKA").get_ca_certs() != [None]


@pytest.mark.parametrize("file", ["missing", ".", "empty", "der.crt", "broken.crt", "our.key"])
@pytest.mark.parametrize("role", ["ca", "certificate"])
def test_a_certificate_that_is_none_is_told_with_setting_and_file(files, role, file):
    given = {role: files / file} | ({"key": files / "our.key"} if role == "certificate" else {})
    with pytest.raises(ValueError, match=rf"KAFKA_{role.upper()}_FILE") as told:
        tls_context(TlsFiles(**given), "KAFKA")
    assert str(files / file) in str(told.value)
    assert "PEM" in str(told.value)


@pytest.mark.parametrize("file", ["missing", ".", "empty", "ca.crt", "other.key", "secret.key"])
def test_a_key_that_is_none_is_told_with_setting_and_file(files, file):
    given = TlsFiles(certificate=files / "ca.crt", key=files / file)
    with pytest.raises(ValueError, match=r"KAFKA_KEY_FILE") as told:
        tls_context(given, "KAFKA")
    assert str(files / file) in str(told.value)
    assert "PEM" in str(told.value)
