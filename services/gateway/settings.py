"""Every knob of the gateway, read from GATEWAY_* variables."""

from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import Field, SecretStr, field_validator, model_validator
from pydantic_settings import NoDecode, SettingsConfigDict

from libs.common.contracts.pages import MAX_PAGE_BYTES
from libs.common.settings import Port, ServiceSettings
from services.gateway.http.delivery.cloudfront import CloudFront, distribution
from services.gateway.http.exposure import check_networks
from services.gateway.http.ratelimit.limit_classes import LimitClass, check_limit
from services.gateway.kernel.limits import SignUp
from services.gateway.kernel.login_providers import LoginProvider, read_providers
from services.gateway.kernel.prices import Prices


class Settings(ServiceSettings):
    """Read once, in app.py."""

    model_config = SettingsConfigDict(env_prefix="GATEWAY_", frozen=True, env_ignore_empty=True)

    http_port: Port = 8000
    role: Literal["all", "http", "work"] = Field(
        default="all",
        description="What this process does: http answers people, work consumes, relays and does "
        "jobs. Deployments run both apart, so that no load of work delays an answer.",
    )
    public_url: str | None = Field(
        default=None,
        pattern=r"^https?://[^/?#@\s]+$",
        description="Address at which clients reach the API, without a path, such as "
        "https://lectern.example. With https, browsers are told to come by TLS alone.",
    )
    trusted_proxies: str = Field(
        default="",
        description="Addresses and networks of proxies whose X-Forwarded-For and X-Forwarded-Proto "
        "are believed, separated by commas; empty: nobody's are.",
    )
    cors_origins: str = Field(
        default="",
        description="Other sites whose pages may call the API from browsers, such as "
        "https://app.example, separated by commas; empty: none.",
    )
    max_upload_bytes: int = Field(
        default=100_000_000, gt=0, description="Largest file that may be uploaded."
    )
    upload_timeout_seconds: float = Field(
        default=21_600,
        gt=0,
        description="Longest that an upload may take; what a killed process stored goes after it.",
    )
    max_page_bytes: int = Field(
        default=MAX_PAGE_BYTES, gt=0, description="Longest text of a page after an edit, in UTF-8."
    )
    max_unparsed_documents_per_owner: int = Field(
        default=3,
        ge=1,
        description="Documents of one owner, of the last five seconds, that are not parsed yet; "
        "who has so many gets 429, so that others do not wait for all of them.",
    )
    max_audios_per_page: int = Field(
        default=4, ge=1, description="Different sounds of a page: engine, voice and rate."
    )
    max_open_narrations_per_document: int = Field(
        default=20, ge=1, description="Narrations of a document that are being made at a time."
    )
    max_pages_in_flight_per_owner: int = Field(
        default=8, ge=1, description="Pages of one owner that are being spoken at a time."
    )
    max_characters_per_owner_and_day: int = Field(
        default=1_000_000,
        ge=0,
        description="Characters that are spoken for one owner on a day, in UTC; further pages wait "
        "for the next day. A million are about 18 hours of speech; 0: no limit.",
    )
    max_documents_per_owner: int = Field(
        default=10_000, ge=0, description="Documents that one owner may have; 0: no limit."
    )
    max_stored_bytes_per_owner: int = Field(
        default=100_000_000_000,
        ge=0,
        description="Bytes of one owner's files, audio and audiobooks; who has as many can hand "
        "nothing in and order nothing until some are deleted. What was ordered before is still "
        "made. 0: no limit.",
    )
    max_open_narrations_per_owner: int = Field(
        default=1000,
        ge=0,
        description="Narrations of all documents of one owner that are being made at a time; 0: "
        "no limit.",
    )
    engine_prices: str = Field(
        default="",
        description="What engines cost for a million characters, such as polly=16,openai=15, for "
        "estimates; one that is not named has no price.",
    )
    price_currency: str = Field(
        default="USD", pattern=r"^[A-Z]{3}$", description="The currency of these prices (ISO 4217)."
    )
    narration_stalled_seconds: float = Field(
        default=21_600,
        gt=0,
        description="A narration is ended when nothing of it has moved from one look to the next.",
    )
    playback_link_seconds: int = Field(
        default=3600,
        ge=60,
        le=7 * 86_400,
        description="How long links for players that send no token are good for. It takes "
        "LECTERN_MAIL_LINK_KEY.",
    )
    delivery: Literal["proxied", "signed"] = Field(
        default="proxied",
        description="How audio reaches who listens. proxied: through the gateway, which looks up "
        "the rights with every range. signed: by a redirect to a signed URL of the bucket or of "
        "CloudFront, as docs/runbooks/delivery.md says; of a folder audio is always proxied.",
    )
    signed_url_seconds: int = Field(
        default=120,
        ge=10,
        le=3600,
        description="How long a signed URL is good for, whatever becomes of the rights: so long "
        "after a share was revoked, its holder may still fetch ranges of what they began to hear. "
        "A player that fetches further ranges later than that has to begin again.",
    )
    cloudfront_domain: str | None = Field(
        default=None,
        pattern=r"^[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+$",
        description="Domain of a CloudFront distribution of the bucket, such as "
        "d111111abcdef8.cloudfront.net, whose URLs are signed in place of the bucket's; empty: "
        "none.",
    )
    cloudfront_key_pair_id: str | None = Field(
        default=None,
        pattern=r"^[A-Za-z0-9]+$",
        description="Id that CloudFront gave the public key.",
    )
    cloudfront_private_key: SecretStr | None = Field(
        default=None,
        description="The private key to it, RSA with 2048 bits, as PEM; its line breaks may be "
        "written as \\n.",
    )
    cloudfront_private_key_file: Path | None = Field(
        default=None, description="In place of that, a file that holds it."
    )
    events_poll_interval_ms: int = Field(
        default=1000,
        ge=50,
        description="How often a process looks for changes of all documents that are watched in it "
        "and of which it was told nothing: in one query, and in another one for streams of all "
        "documents of somebody.",
    )
    max_streams_per_owner: int = Field(
        default=20, ge=1, description="Event streams of one owner, in one process."
    )
    max_streams: int = Field(default=1000, ge=1, description="Event streams of one process.")
    sign_up: SignUp = Field(
        default="closed",
        description="Who may register: everybody (open), who was invited (invitation), or nobody "
        "(closed). It takes LECTERN_MAIL_LINK_KEY, and a notifier that sends mail.",
    )
    login_providers: Annotated[tuple[LoginProvider, ...], NoDecode] = Field(
        default="",
        validate_default=True,
        repr=False,
        description="Other sites that people may log in with, as a JSON list; docs/logins.md says "
        "how to write it. It takes GATEWAY_PUBLIC_URL. Empty: none.",
    )
    secure_cookies: bool = Field(
        default=True,
        description="Whether cookies of sessions go over HTTPS only. Browsers make an exception of "
        "plain HTTP on this machine for nothing but that; standalone has it off.",
    )
    max_requests_per_owner: int = Field(
        default=16,
        ge=1,
        description="Requests of one owner that one process works on at a time; more get 429.",
    )
    max_requests: int = Field(
        default=500, ge=1, description="Requests that one process works on; more get 503."
    )

    rate_limits: bool = Field(
        default=True,
        description="Whether it is limited how often one may do what costs, as the settings below "
        "say: 10/hour, 20/15 minutes, or 0 for no limit. Standalone has it off, for one person.",
    )
    rate_limit_store_url: str | None = Field(
        default=None,
        pattern=r"^(redis|rediss|valkey|valkeys)://",
        description="Redis or Valkey that counts for all processes, such as redis://host:6379/0; "
        "empty: each process counts for itself.",
    )
    rate_limit_upload: str = Field(
        default="10/hour", description="Documents that one user hands in."
    )
    rate_limit_fetch: str = Field(
        default="10/hour", description="Those of them that are web addresses, to be fetched."
    )
    rate_limit_narration: str = Field(
        default="120/hour", description="Narrations and audiobooks that one user asks for."
    )
    rate_limit_edit: str = Field(
        default="600/hour", description="What one user edits, and asks the cost of."
    )
    rate_limit_share: str = Field(
        default="60/hour", description="Shares that one user grants or changes."
    )
    rate_limit_stream: str = Field(
        default="600/hour", description="Event streams that one user opens."
    )
    rate_limit_token: str = Field(default="20/hour", description="Tokens that one user makes.")
    rate_limit_address: str = Field(
        default="10/hour", description="Mail addresses that one user adds."
    )
    rate_limit_password: str = Field(
        default="10/hour",
        description="Times that one user gives their password again, right or wrong.",
    )
    rate_limit_login: str = Field(
        default="20/15 minutes",
        description="Tries to log in, right or wrong, with one mail address, and from one client.",
    )
    rate_limit_registration: str = Field(
        default="10/hour", description="Registrations of one mail address, and from one client."
    )
    rate_limit_reset: str = Field(
        default="10/hour",
        description="New passwords asked for with one mail address, and from one client.",
    )
    rate_limit_mail_link: str = Field(
        default="60/hour", description="Links of mails that one client looks at or uses."
    )

    @field_validator(*(f"rate_limit_{name}" for name in LimitClass))
    @classmethod
    def _is_limit(cls, value: str) -> str:
        try:
            return check_limit(value)
        except ValueError as error:
            raise ValueError("write a number and a time, such as 10/hour, or 0") from error

    @field_validator("login_providers", mode="before")
    @classmethod
    def _read(cls, value: Any) -> Any:
        return read_providers(value) if isinstance(value, str) else value

    @model_validator(mode="after")
    def _is_found_by_providers(self) -> Self:
        if self.login_providers and not self.public_url:
            raise ValueError("GATEWAY_LOGIN_PROVIDERS takes GATEWAY_PUBLIC_URL")
        return self

    @model_validator(mode="after")
    def _is_whole_distribution(self) -> Self:
        _ = self.cloudfront
        return self

    @property
    def cloudfront(self) -> CloudFront | None:
        """The distribution whose URLs are signed; None if there is none."""
        return distribution(
            domain=self.cloudfront_domain,
            key_pair_id=self.cloudfront_key_pair_id,
            pem=self.cloudfront_private_key,
            file=self.cloudfront_private_key_file,
        )

    @field_validator("engine_prices")
    @classmethod
    def _are_prices(cls, value: str) -> str:
        Prices.read(value, "USD")
        return value

    @field_validator("trusted_proxies")
    @classmethod
    def _are_networks(cls, value: str) -> str:
        try:
            return check_networks(value)
        except ValueError as error:
            raise ValueError("list addresses and networks, such as 10.0.0.0/8,::1") from error
