"""Every knob of notifier, read from NOTIFIER_* variables."""

from typing import Annotated, Any, Self

from pydantic import Field, SecretStr, field_validator, model_validator
from pydantic_settings import NoDecode, SettingsConfigDict

from libs.common.errors import Permanent
from libs.common.settings import Port, ServiceSettings, Workers
from services.notifier.channels.mail import DEFAULT_PORTS, Security, address_of
from services.notifier.channels.signing import signing_key
from services.notifier.channels.webhooks import is_loopback, webhook_url_problem
from services.notifier.notices import TYPES, Target

Listed = Annotated[tuple[str, ...], NoDecode]
"""Several values in one variable, separated by commas."""

MAIL_EVENTS = "audiobook.ready,document.rejected,audiobook.failed,audio.failed,task.failed"


class Settings(ServiceSettings):
    """Read once, in app.py."""

    model_config = SettingsConfigDict(env_prefix="NOTIFIER_", frozen=True, env_ignore_empty=True)

    http_port: Port = 8004
    workers: Workers = 4

    smtp_host: str | None = Field(
        default=None, description="Mail server that takes mails in; empty: no mail is sent."
    )
    smtp_port: int | None = Field(
        default=None,
        ge=1,
        le=65535,
        description="Its port; empty: 587 for starttls, 465 for tls, 25 for none.",
    )
    smtp_security: Security = Field(
        default="starttls", description="How the connection to the mail server is encrypted."
    )
    smtp_username: str | None = Field(
        default=None, description="Name to log in to the mail server with, if it wants that."
    )
    smtp_password: SecretStr | None = Field(
        default=None, description="Password to log in to the mail server with."
    )
    smtp_timeout_seconds: float = Field(
        default=15, gt=0, description="Longest that the mail server may take for one answer."
    )
    mail_from: str | None = Field(
        default=None,
        description="Sender of mails, Lectern <lectern@example.org>; needed with a mail server.",
    )
    mail_to: Listed = Field(
        default="",
        validate_default=True,
        repr=False,
        description="Mail addresses that are told, separated by commas; each gets its own mail.",
    )
    mail_events: Listed = Field(
        default=MAIL_EVENTS,
        validate_default=True,
        description="What is told by mail. Left out by default: audio.ready, one for every page, "
        "and the ends of narrations.",
    )
    mail_batch_seconds: float = Field(
        default=60,
        ge=0,
        description="Failures of pages wait this long for others like them, to share a mail.",
    )
    mail_batch_interval_seconds: float = Field(
        default=3600,
        ge=0,
        description="Least time between two mails about failures of the same kind and document.",
    )
    public_url: str | None = Field(
        default=None,
        pattern=r"^https?://",
        description="Where people reach the gateway; mails link to the document there.",
    )

    webhook_urls: Listed = Field(
        default="",
        validate_default=True,
        repr=False,
        description="Addresses that are posted to, separated by commas. Private ones are allowed.",
    )
    webhook_secret: SecretStr | None = Field(
        default=None,
        description="Signs webhooks: whsec_ and 24 to 64 random bytes in base64; needed with URLs.",
    )
    webhook_events: Listed = Field(
        default=",".join(TYPES),
        validate_default=True,
        description="What is told by webhook.",
    )
    webhook_timeout_seconds: float = Field(
        default=15, gt=0, description="Longest that one attempt at a webhook may take."
    )
    webhook_allow_http: bool = Field(
        default=False, description="Whether http:// is allowed beyond this machine itself."
    )
    webhook_allow_private: bool = Field(
        default=True,
        description="Whether webhooks may go to private networks; the operator names the URLs.",
    )

    max_attempts: int = Field(
        default=12, ge=1, description="Tries of one mail or webhook; 12 take about a day."
    )
    max_age_hours: float = Field(
        default=168, gt=0, description="Older events are recorded as expired and told to nobody."
    )

    @field_validator("mail_to", "mail_events", "webhook_urls", "webhook_events", mode="before")
    @classmethod
    def _split(cls, value: Any) -> Any:
        if not isinstance(value, str):
            return value
        return tuple(dict.fromkeys(part.strip() for part in value.split(",") if part.strip()))

    @field_validator("mail_events", "webhook_events")
    @classmethod
    def _known(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if not set(value) <= set(TYPES):
            raise ValueError(f"choose among {', '.join(TYPES)}")
        return value

    @field_validator("mail_to", "mail_from")
    @classmethod
    def _addresses(cls, value: tuple[str, ...] | str | None) -> tuple[str, ...] | str | None:
        for address in (value,) if isinstance(value, str) else value or ():
            try:
                address_of(address)
            except Permanent as error:
                raise ValueError(str(error)) from None
        return value

    @field_validator("webhook_secret")
    @classmethod
    def _usable_secret(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None:
            signing_key(value.get_secret_value())
        return value

    @model_validator(mode="after")
    def _mail_is_whole(self) -> Self:
        if self.smtp_host and not (self.mail_from and self.mail_to):
            raise ValueError("NOTIFIER_SMTP_HOST needs NOTIFIER_MAIL_FROM and NOTIFIER_MAIL_TO")
        if bool(self.smtp_username) != bool(self.smtp_password):
            raise ValueError(
                "NOTIFIER_SMTP_USERNAME and NOTIFIER_SMTP_PASSWORD go together: set both or neither"
            )
        in_clear = self.smtp_username and self.smtp_security == "none"
        if in_clear and not is_loopback(self.smtp_host or ""):
            raise ValueError(
                "NOTIFIER_SMTP_SECURITY must be starttls or tls, or the password is sent in clear"
            )
        return self

    @model_validator(mode="after")
    def _webhooks_are_whole(self) -> Self:
        for number, url in enumerate(self.webhook_urls, start=1):
            problem = webhook_url_problem(url, allow_http=self.webhook_allow_http)
            if problem:
                raise ValueError(f"NOTIFIER_WEBHOOK_URLS: address {number} {problem}")
        if self.webhook_urls and not self.webhook_secret:
            raise ValueError("NOTIFIER_WEBHOOK_URLS needs NOTIFIER_WEBHOOK_SECRET")
        return self

    @property
    def smtp_port_or_default(self) -> int:
        """The port of the mail server."""
        return self.smtp_port or DEFAULT_PORTS[self.smtp_security]

    def targets(self) -> tuple[Target, ...]:
        """Return everybody who is told, each with the types that it is told of."""
        mails = self.mail_to if self.smtp_host else ()
        return (
            *(Target("mail", address, frozenset(self.mail_events)) for address in mails),
            *(Target("webhook", url, frozenset(self.webhook_events)) for url in self.webhook_urls),
        )
