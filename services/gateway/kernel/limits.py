"""What an installation allows, as its settings say."""

from dataclasses import dataclass
from typing import Literal

from libs.common.mail_links import MailLinks
from services.gateway.kernel.login_providers import LoginProvider

SignUp = Literal["open", "invitation", "closed"]


@dataclass(frozen=True, kw_only=True)
class GatewayLimits:
    """Fields of the gateway's settings, by the same names; they are explained there."""

    max_upload_bytes: int
    upload_timeout_seconds: float
    max_page_bytes: int
    max_unparsed_documents_per_owner: int
    max_audios_per_page: int
    max_open_narrations_per_document: int
    max_pages_in_flight_per_owner: int
    max_characters_per_owner_and_day: int
    max_documents_per_owner: int
    max_stored_bytes_per_owner: int
    max_open_narrations_per_owner: int
    narration_stalled_seconds: float
    playback_link_seconds: int
    max_streams_per_owner: int
    max_streams: int
    max_requests_per_owner: int
    max_requests: int


@dataclass(frozen=True, kw_only=True)
class AccountPolicy:
    """Who may register and how they log in, as the settings say.

    ``links`` is None where there is no key for links in mails: then nobody can register, nor reset
    a password. ``public_url`` is where browsers reach the gateway; where there are ``providers``,
    it is there.
    """

    sign_up: SignUp = "closed"
    secure_cookies: bool = True
    links: MailLinks | None = None
    public_url: str | None = None
    providers: tuple[LoginProvider, ...] = ()
