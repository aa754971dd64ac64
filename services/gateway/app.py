"""Composition root of the gateway: the only module that builds clients from settings."""

import re
from dataclasses import dataclass, fields
from pathlib import Path

from starlette.routing import Mount

from libs.common.contracts.accounts import (
    AccountMailRequested,
    UserAddressAdded,
    UserAddressChanged,
    UserDeleted,
    UserDisabled,
    UserEnabled,
    UserRegistered,
)
from libs.common.contracts.audio import (
    AudiobookDeleted,
    AudiobookRequested,
    AudioDeleted,
    AudioRequested,
)
from libs.common.contracts.documents import (
    DocumentDeleted,
    DocumentRenamed,
    DocumentReordered,
    DocumentRetried,
    DocumentSubmitted,
    PageAdded,
    PageEdited,
)
from libs.common.contracts.narrations import (
    NarrationCanceled,
    NarrationCompleted,
    NarrationFailed,
    NarrationRequested,
)
from libs.common.contracts.sharing import (
    ListenLinkEnded,
    ListenLinkMade,
    ShareChanged,
    ShareClaimed,
    ShareEnded,
    ShareGranted,
    ShareMailRequested,
)
from libs.common.contracts.tasks import TaskFailed
from libs.common.database.exchange import NotificationExchange
from libs.common.observability.metrics import Metrics
from libs.common.runtime.connect import open_database, open_object_storage
from libs.common.runtime.service_parts import ServiceParts
from libs.common.settings import CommonSettings
from services.gateway.features import FEATURES
from services.gateway.handlers import Handlers
from services.gateway.http.application import create_app
from services.gateway.http.delivery.signed_delivery import SignedDelivery
from services.gateway.http.exposure import Exposure, listed
from services.gateway.http.ratelimit.limit_classes import LimitClass, limits_from
from services.gateway.http.ratelimit.rate_limiter import RateLimiter
from services.gateway.kernel.changes import Changes
from services.gateway.kernel.limits import AccountPolicy, GatewayLimits
from services.gateway.kernel.prices import Prices
from services.gateway.kernel.record import Kernel, consumed
from services.gateway.settings import Settings

NAME = "gateway"
PUBLISHES = (
    DocumentSubmitted,
    DocumentRenamed,
    DocumentRetried,
    DocumentReordered,
    DocumentDeleted,
    PageAdded,
    PageEdited,
    NarrationRequested,
    NarrationCompleted,
    NarrationFailed,
    NarrationCanceled,
    AudioRequested,
    AudioDeleted,
    AudiobookRequested,
    AudiobookDeleted,
    UserRegistered,
    UserAddressAdded,
    UserAddressChanged,
    UserDisabled,
    UserEnabled,
    UserDeleted,
    AccountMailRequested,
    ShareGranted,
    ShareClaimed,
    ShareChanged,
    ShareEnded,
    ShareMailRequested,
    ListenLinkMade,
    ListenLinkEnded,
    TaskFailed,
)
CONSUMES = consumed(FEATURES)


@dataclass(frozen=True)
class Assembly:
    """The service's parts, and the kernel that its commands and queries work with."""

    parts: ServiceParts
    kernel: Kernel


def build(common: CommonSettings, settings: Settings) -> ServiceParts:
    """Return the service's parts, connected to nothing yet."""
    return assemble(common, settings).parts


def assemble(common: CommonSettings, settings: Settings) -> Assembly:
    """Return everything there is, connected to nothing yet."""
    database = open_database(common, settings)
    storage = open_object_storage(common)
    metrics = Metrics(NAME)
    changes = Changes(database, settings.events_poll_interval_ms / 1000)
    kernel = Kernel(
        database=database,
        storage=storage,
        metrics=metrics,
        limits=GatewayLimits(
            **{field.name: getattr(settings, field.name) for field in fields(GatewayLimits)}
        ),
        changes=changes,
        features=FEATURES,
        accounts=_account_policy(common, settings),
        prices=Prices.read(settings.engine_prices, settings.price_currency),
    )
    limiter = _limiter(settings, metrics)
    parts = ServiceParts(
        name=NAME,
        migrations=Path(__file__).with_name("migrations"),
        publishes=PUBLISHES,
        routes=Handlers(kernel).routes(),
        work=kernel.work(),
        settings=settings,
        common=common,
        database=database,
        storage=storage,
        metrics=metrics,
        resources=[NotificationExchange(database), changes, limiter],
        http_routes=[] if settings.role == "work" else [_site(kernel, settings, limiter)],
        works=settings.role != "http",
        keep_events=True,
        checks={} if limiter.shared is None else {"cache": limiter.shared.state},
    )
    return Assembly(parts, kernel)


def _site(kernel: Kernel, settings: Settings, limiter: RateLimiter) -> Mount:
    exposure = Exposure(
        public_url=settings.public_url,
        trusted_proxies=listed(settings.trusted_proxies),
        cors_origins=listed(settings.cors_origins),
    )
    mount = Mount("/", app=create_app(kernel, exposure, limiter, _delivery(settings)))
    # Else a path with a line break is none of ours, and answered without a word of what is wrong.
    mount.path_regex = re.compile(mount.path_regex.pattern, re.DOTALL)
    return mount


def _delivery(settings: Settings) -> SignedDelivery | None:
    if settings.delivery == "proxied":
        return None
    return SignedDelivery(seconds=settings.signed_url_seconds, cloudfront=settings.cloudfront)


def _limiter(settings: Settings, metrics: Metrics) -> RateLimiter:
    wanted = {str(name): getattr(settings, f"rate_limit_{name}") for name in LimitClass}
    limits = limits_from(wanted) if settings.rate_limits else {}
    if settings.rate_limit_store_url is None or not limits:
        return RateLimiter(limits=limits, metrics=metrics)
    # Its client takes 0.2 s to load, which standalone and most installations are spared.
    from services.gateway.http.ratelimit.shared_counters import SharedCounters

    shared = SharedCounters(settings.rate_limit_store_url)
    return RateLimiter(limits=limits, metrics=metrics, shared=shared)


def _account_policy(common: CommonSettings, settings: Settings) -> AccountPolicy:
    return AccountPolicy(
        sign_up=settings.sign_up if common.mail_links else "closed",
        secure_cookies=settings.secure_cookies,
        links=common.mail_links,
        public_url=settings.public_url,
        providers=settings.login_providers,
    )
