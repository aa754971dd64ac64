"""How the gateway is reached: its public address, the proxies before it, pages of other sites.

By default nobody is trusted: the addresses of clients are those of their connections, and browsers
let no page of another site read an answer.
"""

from dataclasses import dataclass
from ipaddress import ip_network

from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE")
ACCEPTED = (
    "Authorization",
    "Content-Type",
    "If-Match",
    "If-None-Match",
    "Idempotency-Key",
    "Range",
)
SHOWN = (
    "Accept-Ranges",
    "Allow",
    "Content-Disposition",
    "Content-Range",
    "ETag",
    "Idempotency-Replayed",
    "Location",
    "RateLimit",
    "RateLimit-Policy",
    "Retry-After",
    "X-Request-Id",
)
"""Headers of answers that scripts of other sites may read, beside the few that they always may."""


@dataclass(frozen=True, kw_only=True)
class Exposure:
    """``trusted_proxies`` are addresses and networks, ``cors_origins`` such as https://app.example."""

    public_url: str | None = None
    trusted_proxies: tuple[str, ...] = ()
    cors_origins: tuple[str, ...] = ()

    @property
    def server(self) -> str:
        """The address that paths of the API are below, for those who read its description."""
        return self.public_url or "/"

    @property
    def always_tls(self) -> bool:
        """Whether clients come by TLS alone."""
        return (self.public_url or "").startswith("https://")

    def of_proxies(self) -> list[Middleware]:
        """Return what reads X-Forwarded-For and -Proto, of trusted proxies only."""
        if not self.trusted_proxies:
            return []
        return [Middleware(ProxyHeadersMiddleware, trusted_hosts=list(self.trusted_proxies))]

    def of_other_sites(self) -> list[Middleware]:
        """Return what lets pages of other sites read answers; without cookies."""
        if not self.cors_origins:
            return []
        return [
            Middleware(
                CORSMiddleware,
                allow_origins=self.cors_origins,
                allow_methods=METHODS,
                allow_headers=ACCEPTED,
                expose_headers=SHOWN,
            )
        ]


def listed(setting: str) -> tuple[str, ...]:
    """Return what a setting lists, separated by commas."""
    return tuple(part.strip() for part in setting.split(",") if part.strip())


def check_networks(setting: str) -> str:
    """Return a setting that lists addresses and networks.

    Raises:
        ValueError: One is none.
    """
    for network in listed(setting):
        ip_network(network)
    return setting
