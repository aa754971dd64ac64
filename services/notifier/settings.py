"""Every knob of notifier, read from NOTIFIER_* variables."""

from typing import Annotated, Any, NamedTuple, Self

from pydantic import Field, SecretStr, field_validator, model_validator
from pydantic_settings import NoDecode, SettingsConfigDict

from libs.common.errors import Permanent
from libs.common.public_addresses import is_loopback
from libs.common.settings import Port, ServiceSettings, Workers
from services.notifier.channels.mail import DEFAULT_PORTS, Security, address_of
from services.notifier.channels.signing import signing_key
from services.notifier.channels.webhooks import webhook_url_problem
from services.notifier.notices import TYPES, Target

Listed = Annotated[tuple[str, ...], NoDecode]
"""Several values in one variable, separated by commas."""

MOST_SECRETS = 2
"""Of one webhook: the one that is, and the one that was."""

MAIL_EVENTS = "audiobook.ready,document.rejected,audiobook.failed,audio.failed,task.failed"


class WebhookTarget(NamedTuple):
    """An address, and the secrets that sign what is posted to it, the newest first."""

    url: str
    secrets: tuple[SecretStr, ...]

    @property
    def keys(self) -> tuple[bytes, ...]:
        """What the secrets stand for. Raises ValueError if one of them is none."""
        return tuple(signing_key(secret.get_secret_value()) for secret in self.secrets)


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
        description="Mail addresses that are told of all documents, separated by commas; each gets "
        "its own mail.",
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
        description="Where people reach the gateway: mails link to documents there, and to what "
        "confirms an address or sets a password.",
    )

    webhooks: Annotated[tuple[WebhookTarget, ...], NoDecode] = Field(
        default="",
        validate_default=True,
        repr=False,
        description="Who is posted to, separated by commas: an address, a space, and the secret "
        "that signs what it gets, whsec_ and 24 to 64 random bytes in base64, of its own. While a "
        "secret is replaced, the old one follows the new one. Private addresses are allowed.",
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

    @field_validator("mail_to", "mail_events", "webhook_events", mode="before")
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

    @field_validator("webhooks", mode="before")
    @classmethod
    def _split_webhooks(cls, value: Any) -> Any:
        if not isinstance(value, str):
            return value
        written = [part.split() for part in value.split(",") if part.strip()]
        return tuple(WebhookTarget(url, tuple(map(SecretStr, rest))) for url, *rest in written)

    @field_validator("webhooks")
    @classmethod
    def _own_secrets(cls, value: tuple[WebhookTarget, ...]) -> tuple[WebhookTarget, ...]:
        for number, target in enumerate(value, start=1):
            if not 1 <= len(target.secrets) <= MOST_SECRETS:
                raise ValueError(f"address {number} needs one secret, or two while it is replaced")
            try:
                _ = target.keys
            except ValueError as error:
                raise ValueError(f"a secret of address {number} is {error}") from None
        if len({target.url for target in value}) < len(value):
            raise ValueError("an address stands there twice")
        keys = [key for target in value for key in set(target.keys)]
        if len(set(keys)) < len(keys):
            raise ValueError("every address needs a secret of its own")
        return value

    @model_validator(mode="after")
    def _mail_is_whole(self) -> Self:
        if self.smtp_host and not self.mail_from:
            raise ValueError("NOTIFIER_SMTP_HOST needs NOTIFIER_MAIL_FROM")
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
        for number, target in enumerate(self.webhooks, start=1):
            problem = webhook_url_problem(target.url, allow_http=self.webhook_allow_http)
            if problem:
                raise ValueError(f"NOTIFIER_WEBHOOKS: address {number} {problem}")
        return self

    @property
    def smtp_port_or_default(self) -> int:
        """The port of the mail server."""
        return self.smtp_port or DEFAULT_PORTS[self.smtp_security]

    def targets(self) -> tuple[Target, ...]:
        """Return everybody who is told, each with the types that it is told of."""
        mails = self.mail_to if self.smtp_host else ()
        urls = [target.url for target in self.webhooks]
        return (
            *(Target("mail", address, frozenset(self.mail_events)) for address in mails),
            *(Target("webhook", url, frozenset(self.webhook_events)) for url in urls),
        )

    def webhook_keys(self) -> dict[str, tuple[bytes, ...]]:
        """Return what signs webhooks, by address."""
        return {target.url: target.keys for target in self.webhooks}
