"""Mail: how a message is built, handed to an SMTP server, and what its refusal means.

| server                                         | result      |
|------------------------------------------------|-------------|
| accepts                                        | delivered   |
| answers 4xx                                    | Transient   |
| answers 5xx, or lacks STARTTLS, login, UTF-8   | Permanent   |
| cannot be reached, or breaks off               | Unavailable |

Servers repeat addresses in what they say, so reasons hold their codes only.
"""

import asyncio
import contextlib
import re
import smtplib
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.errors import HeaderParseError
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, getaddresses
from typing import Literal

from libs.common.errors import Permanent, Transient, Unavailable
from services.notifier.channels.texts import MailText, one_line
from services.notifier.notices import Notice

Security = Literal["starttls", "tls", "none"]

DEFAULT_PORTS: dict[Security, int] = {"starttls": 587, "tls": 465, "none": 25}
FIRST_REFUSAL = 400
FIRST_PERMANENT_REFUSAL = 500


@dataclass(frozen=True, kw_only=True)
class SmtpServer:
    """Where mail is handed in. ``timeout_s`` bounds each exchange with the server.

    ``tls`` replaces the system's certificates.
    """

    host: str
    port: int
    security: Security
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    timeout_s: float
    tls: ssl.SSLContext | None = field(default=None, repr=False)


@dataclass(frozen=True)
class Mailer:
    """Sends mails from ``sender``, which may be ``Name <address>``."""

    server: SmtpServer
    sender: str

    async def send(self, notice: Notice, text: MailText, recipient: str) -> None:
        """Hand in one mail; returns when the server has taken it over.

        Raises:
            Permanent, Transient, Unavailable: As in the table above.
        """
        message = compose(notice, text, self.sender, recipient)
        own_name = _ascii_domain(address_of(self.sender))
        await asyncio.to_thread(hand_in, self.server, message, own_name)


def compose(notice: Notice, text: MailText, sender: str, recipient: str) -> EmailMessage:
    """Build the mail. It has the notice's id as Message-ID, and invites no automatic answer.

    Raises:
        Permanent: ``sender`` or ``recipient`` is no mail address.
    """
    own = address_of(sender)
    domain = _ascii_domain(own)
    message = EmailMessage(policy=SMTP)
    message["From"] = own
    message["To"] = address_of(recipient)
    message["Subject"] = one_line(text.subject)
    message["Date"] = format_datetime(datetime.now(UTC))
    message["Message-ID"] = f"<{notice.notification_id}@{domain}>"
    message["Auto-Submitted"] = "auto-generated"  # RFC 3834, section 5
    message["List-Id"] = f"Lectern <notifications.{domain}>"  # RFC 2919
    # Not 8bit, which some server on the way may not take.
    message.set_content(text.body, cte="quoted-printable")
    return message


def address_of(text: str) -> Address:
    """Read ``Name <address>`` or a bare address.

    Raises:
        Permanent: It is neither; the message does not repeat it.
    """
    found = getaddresses([text])
    if len(found) != 1:
        raise Permanent("not a mail address")
    [(name, plain)] = found
    try:
        address = Address(one_line(name), addr_spec=plain)
        _ascii_domain(address)
    except (ValueError, IndexError, HeaderParseError):
        raise Permanent("not a mail address") from None
    if not (address.username and address.domain and text.isprintable()):
        raise Permanent("not a mail address")
    return address


def _ascii_domain(address: Address) -> str:
    return address.domain.encode("idna").decode("ascii")


def hand_in(server: SmtpServer, message: EmailMessage, own_name: str) -> None:
    """Give ``message`` to ``server``, to which we are ``own_name``. Blocks.

    Raises:
        Permanent, Transient, Unavailable: As in the table above.
    """
    with _translated(), _connection(server, own_name) as smtp:
        smtp.send_message(message)


@contextmanager
def _connection(server: SmtpServer, own_name: str) -> Iterator[smtplib.SMTP]:
    """Connect and log in. Saying goodbye may fail: the mail is handed in by then."""
    # The name is given because smtplib would else ask the DNS for it, for seconds in a container.
    tls = server.tls or ssl.create_default_context()
    smtp: smtplib.SMTP
    if server.security == "tls":
        smtp = smtplib.SMTP_SSL(
            server.host, server.port, own_name, timeout=server.timeout_s, context=tls
        )
    else:
        smtp = smtplib.SMTP(server.host, server.port, own_name, timeout=server.timeout_s)
    try:
        if server.security == "starttls":
            smtp.starttls(context=tls)
        if server.username and server.password is not None:
            smtp.login(server.username, server.password)
        yield smtp
        with contextlib.suppress(smtplib.SMTPException, OSError):
            smtp.quit()
    finally:
        smtp.close()


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except smtplib.SMTPRecipientsRefused as error:
        [(code, said)] = list(error.recipients.values())[:1]
        raise _refusal("the recipient", code, said) from None
    except smtplib.SMTPAuthenticationError as error:
        raise _refusal("our login", error.smtp_code, error.smtp_error) from None
    except smtplib.SMTPResponseException as error:
        raise _refusal("the mail", error.smtp_code, error.smtp_error) from None
    except smtplib.SMTPNotSupportedError:
        raise Permanent(
            "the mail server lacks what the settings or the addresses need "
            "(STARTTLS, login or UTF-8 addresses)"
        ) from None
    except (smtplib.SMTPException, OSError) as error:
        raise Unavailable(f"the mail server did not answer ({type(error).__name__})") from None


def _refusal(what: str, code: int, said: bytes | str) -> Permanent | Transient | Unavailable:
    text = said.decode("ascii", "replace") if isinstance(said, bytes) else str(said)
    enhanced = re.match(r"[245]\.\d{1,3}\.\d{1,3}\b", text)  # RFC 3463
    sentence = f"the mail server refused {what}: {code}{f' {enhanced[0]}' if enhanced else ''}"
    if code < FIRST_REFUSAL:  # -1 when the connection broke while it answered
        return Unavailable(sentence)
    return Transient(sentence) if code < FIRST_PERMANENT_REFUSAL else Permanent(sentence)
