"""Composition root of notifier: the only module that builds clients from settings."""

from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

import httpx

from libs.common.contracts.accounts import (
    AccountMailRequested,
    UserAddressChanged,
    UserDeleted,
    UserDisabled,
    UserEnabled,
    UserRegistered,
)
from libs.common.contracts.documents import DocumentDeleted
from libs.common.contracts.notifications import NotificationFailed, NotificationSent
from libs.common.contracts.sharing import ShareMailRequested
from libs.common.contracts.tasks import TaskFailed
from libs.common.observability.metrics import Metrics
from libs.common.processing.erasing import ERASE, Eraser
from libs.common.processing.job_kind import JobRoute
from libs.common.runtime.connect import open_database, open_object_storage
from libs.common.runtime.service_parts import ServiceParts
from libs.common.settings import CommonSettings
from services.notifier.channels.mail import Mailer, SmtpServer
from services.notifier.channels.webhooks import Webhooks, webhook_client
from services.notifier.deliveries.account_mailer import AccountMailer
from services.notifier.deliveries.batching import DeliverySchedule
from services.notifier.deliveries.deliverer import Deliverer
from services.notifier.deliveries.jobs import ACCOUNT_MAIL, FORGET_MAIL, MAIL, WEBHOOK
from services.notifier.handlers import Notifier
from services.notifier.installation_secret import InstallationSecret
from services.notifier.notices import TOLD, Target
from services.notifier.recipients import Recipients
from services.notifier.settings import Settings

NAME = "notifier"
PUBLISHES = (NotificationSent, NotificationFailed, TaskFailed)
CONSUMES = (
    *TOLD,
    DocumentDeleted,
    AccountMailRequested,
    ShareMailRequested,
    UserRegistered,
    UserAddressChanged,
    UserDisabled,
    UserEnabled,
    UserDeleted,
)


def build(common: CommonSettings, settings: Settings) -> ServiceParts:
    """Return the service's parts, connected to nothing yet."""
    client = webhook_client(allow_private=settings.webhook_allow_private)
    database = open_database(common, settings)
    secret = InstallationSecret(database)
    storage = open_object_storage(common)
    metrics = Metrics(NAME)
    targets = settings.targets()
    deliverer = Deliverer(
        targets=targets,
        secret=secret,
        mailer=_mailer(settings),
        webhooks=_webhooks(settings, client),
        public_url=settings.public_url,
        storage=storage,
        metrics=metrics,
    )
    account_mailer = AccountMailer(
        mailer=deliverer.mailer,
        links=common.mail_links,
        public_url=settings.public_url,
        storage=storage,
        metrics=metrics,
    )
    return ServiceParts(
        name=NAME,
        migrations=Path(__file__).with_name("migrations"),
        publishes=PUBLISHES,
        routes=_notifier(settings, targets, secret, Recipients(storage)).routes(),
        work=[
            *_work(settings.workers or 4, deliverer, account_mailer),
            ERASE.done_by(Eraser(storage, common.erasure_sweep_seconds).erase),
        ],
        settings=settings,
        common=common,
        database=database,
        storage=storage,
        metrics=metrics,
        resources=[client],
    )


def _work(slots: int, deliverer: Deliverer, account_mailer: AccountMailer) -> list[JobRoute]:
    return [
        MAIL.done_by(deliverer.mail, slots=slots),
        WEBHOOK.done_by(deliverer.webhook, slots=slots),
        ACCOUNT_MAIL.done_by(account_mailer.send, slots=slots),
        FORGET_MAIL.done_by(account_mailer.forget),
    ]


def _notifier(
    settings: Settings,
    targets: Sequence[Target],
    secret: InstallationSecret,
    recipients: Recipients,
) -> Notifier:
    schedule = DeliverySchedule(
        max_attempts=settings.max_attempts,
        batch_wait_ms=int(settings.mail_batch_seconds * 1000),
        batch_interval_ms=int(settings.mail_batch_interval_seconds * 1000),
    )
    return Notifier(
        targets=targets,
        schedule=schedule,
        max_age=timedelta(hours=settings.max_age_hours),
        secret=secret,
        recipients=recipients,
    )


def _mailer(settings: Settings) -> Mailer | None:
    if settings.smtp_host is None or settings.mail_from is None:
        return None
    password = settings.smtp_password
    server = SmtpServer(
        host=settings.smtp_host,
        port=settings.smtp_port_or_default,
        security=settings.smtp_security,
        username=settings.smtp_username,
        password=password.get_secret_value() if password else None,
        timeout_s=settings.smtp_timeout_seconds,
    )
    return Mailer(server, settings.mail_from)


def _webhooks(settings: Settings, client: httpx.AsyncClient) -> Webhooks | None:
    if not settings.webhooks:
        return None
    return Webhooks(
        client=client,
        keys=settings.webhook_keys(),
        timeout_s=settings.webhook_timeout_seconds,
        allow_private=settings.webhook_allow_private,
    )
