import ssl
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from libs.common.errors import Permanent, Transient, Unavailable
from services.notifier.channels.mail import Mailer, Security, SmtpServer, address_of, compose
from services.notifier.channels.texts import MailText, mail_text
from services.notifier.notices import TYPES, Notice, Target
from services.notifier.tests.samples import IDENTITIES, audiobook_ready, book_contents
from services.notifier.tests.servers import Mailbox, Receiver, mail_server

ANN = "ann@example.org"
SENDER = "Lectern <lectern@lectern.example.org>"
TEXT = MailText("Audiobook ready: Räuber", "“Räuber” can be heard.\n\n.\n\nAnd so on.\n")


@pytest.fixture(scope="module")
def contexts(tmp_path_factory):
    """TLS contexts of a server for 127.0.0.1, and of a client that trusts it."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "mail.test")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False
        )
        .sign(key, hashes.SHA256())
    )
    pem = tmp_path_factory.mktemp("tls") / "both.pem"
    pem.write_bytes(
        certificate.public_bytes(serialization.Encoding.PEM)
        + key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    server = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    server.load_cert_chain(pem)
    return server, ssl.create_default_context(cafile=str(pem))


def notice(recipient: str = ANN, **changes: Any) -> Notice:
    target = Target("mail", recipient, frozenset(TYPES))
    return Notice.of(audiobook_ready(**changes), target, IDENTITIES)


def mailer(server: Mailbox | Receiver, security: Security = "none", **changes: Any) -> Mailer:
    return mailer_at(server.port, security=security, **changes)


def mailer_at(port: int, *, timeout_s: float = 15, **changes: Any) -> Mailer:
    return Mailer(SmtpServer(host="127.0.0.1", port=port, timeout_s=timeout_s, **changes), SENDER)


async def test_a_mail_arrives_whole(mailbox):
    told = notice()
    await mailer(mailbox).send(told, TEXT, ANN)
    [message] = mailbox.messages
    assert mailbox.recipients == [ANN]
    assert message["From"] == SENDER
    assert message["To"] == ANN
    assert message["Subject"] == TEXT.subject
    assert message["Message-ID"] == f"<{told.notification_id}@lectern.example.org>"
    assert message["Auto-Submitted"] == "auto-generated"
    assert message["List-Id"] == "Lectern <notifications.lectern.example.org>"
    assert message["Date"].datetime.tzinfo is not None
    assert message.get_content_type() == "text/plain"
    assert message.get_content().splitlines() == TEXT.body.splitlines()
    assert mailbox.raw[0].isascii()


async def test_a_second_attempt_has_the_same_id(mailbox):
    told = notice()
    await mailer(mailbox).send(told, TEXT, ANN)
    again = Notice.model_validate_json(told.model_dump_json())
    await mailer(mailbox).send(again, TEXT, ANN)
    first, second = mailbox.messages
    assert first["Message-ID"] == second["Message-ID"]


async def test_a_title_cannot_add_headers_or_recipients(mailbox):
    told = notice()
    contents = book_contents("Book\r\nBcc: eve@example.net\r\n\r\nBuy this\x00")
    await mailer(mailbox).send(told, mail_text(told.event, contents), ANN)
    [message] = mailbox.messages
    assert mailbox.recipients == [ANN]
    assert message["Bcc"] is None
    assert message["Subject"] == "Audiobook ready: Book Bcc: eve@example.net Buy this"


def test_a_text_with_a_broken_subject_is_composed_on_one_line():
    message = compose(notice(), MailText("a\r\nX-Evil: b", "c\n"), SENDER, ANN)
    assert message["Subject"] == "a X-Evil: b"
    assert message["X-Evil"] is None


@pytest.mark.parametrize("where", ["recipient_answers", "data_answers"])
@pytest.mark.parametrize(
    ("said", "error"),
    [
        ("450 4.2.1 <ann@example.org> greylisted", Transient),
        ("452 full", Transient),
        ("550 5.1.1 <ann@example.org> unknown", Permanent),
        ("554 no", Permanent),
    ],
)
async def test_refusals(mailbox, where, said, error):
    setattr(mailbox, where, [said])
    with pytest.raises(error, match=said[:3]) as raised:
        await mailer(mailbox).send(notice(), TEXT, ANN)
    assert type(raised.value) is error
    assert "ann" not in str(raised.value)
    assert mailbox.messages == []


async def test_the_enhanced_code_is_kept(mailbox):
    mailbox.recipient_answers = ["550 5.1.1 <ann@example.org> unknown"]
    with pytest.raises(Permanent, match=r"refused the recipient: 550 5\.1\.1$"):
        await mailer(mailbox).send(notice(), TEXT, ANN)


async def test_nobody_there():
    with pytest.raises(Unavailable, match="ConnectionRefusedError"):
        await mailer_at(1, security="none").send(notice(), TEXT, ANN)


@pytest.mark.slow
async def test_a_server_that_never_greets(receiver):
    with pytest.raises(Unavailable, match="did not answer"):
        await mailer(receiver, timeout_s=0.2).send(notice(), TEXT, ANN)


@pytest.mark.parametrize("security", ["starttls", "tls"])
async def test_encrypted_with_login(contexts, security):
    server, client = contexts
    async with mail_server(
        starttls=server if security == "starttls" else None,
        tls=server if security == "tls" else None,
        login=True,
    ) as mailbox:
        changes = {"security": security, "tls": client, "username": "lectern"}
        await mailer(mailbox, password="open sesame", **changes).send(notice(), TEXT, ANN)
        assert mailbox.encrypted == [security == "starttls"]  # else it is all encrypted
        assert mailbox.logins == [("lectern", "open sesame")]
        with pytest.raises(Permanent, match="refused our login: 535") as raised:
            await mailer(mailbox, password="wrong", **changes).send(notice(), TEXT, ANN)
        assert "wrong" not in str(raised.value)


@pytest.mark.parametrize("security", ["starttls", "tls"])
async def test_a_certificate_that_is_not_trusted_is_refused(contexts, security):
    server, _ = contexts
    kind = {security: server}
    async with mail_server(**kind) as mailbox:
        with pytest.raises(Unavailable, match="SSLCertVerificationError"):
            await mailer(mailbox, security=security).send(notice(), TEXT, ANN)
        assert mailbox.messages == []


async def test_a_server_without_starttls_gets_nothing(mailbox):
    with pytest.raises(Permanent, match="STARTTLS"):
        await mailer(mailbox, security="starttls").send(notice(), TEXT, ANN)
    assert mailbox.messages == []


@pytest.mark.parametrize(
    "text",
    ["", "ann", "@example.org", "ann@", "a@b\r\nBcc: c@d", "a@b, c@d", "Ann\n <a@b>", "a b@c.d"],
)
def test_other_addresses_are_refused(text):
    with pytest.raises(Permanent, match=r"^not a mail address$"):
        address_of(text)


def test_an_address_may_have_a_name():
    found = address_of("Ännchen <ann@bücher.example>")
    assert (found.display_name, found.addr_spec) == ("Ännchen", "ann@bücher.example")
    message = compose(notice(), TEXT, "Lectern <x@bücher.example>", ANN)
    assert message["Message-ID"].endswith("@xn--bcher-kva.example>")
