"""Composition root of notifier: the only module that builds clients from settings."""

from datetime import timedelta
from pathlib import Path

import httpx

from libs.common.connect import open_database, open_object_storage
from libs.common.events import NotificationFailed, NotificationSent, TaskFailed
from libs.common.metrics import Metrics
from libs.common.service import Parts
from libs.common.settings import CommonSettings
from libs.common.worker import work
from services.notifier.delivery import Postman, gave_up
from services.notifier.handlers import Notifier
from services.notifier.ledger import Pace
from services.notifier.mail import Mailer, SmtpServer
from services.notifier.notices import MAIL, WEBHOOK, Notice
from services.notifier.settings import Settings
from services.notifier.signing import signing_key
from services.notifier.webhooks import Webhooks, webhook_client

NAME = "notifier"
PUBLISHES = (NotificationSent, NotificationFailed, TaskFailed)
CONSUMES = tuple(each.event for each in Notifier(targets=()).routes())


def build(common: CommonSettings, settings: Settings) -> Parts:
    """Return the service's parts, connected to nothing yet."""
    client = webhook_client(allow_private=settings.webhook_allow_private)
    targets = settings.targets()
    pace = Pace(
        max_attempts=settings.max_attempts,
        batch_wait_ms=int(settings.mail_batch_seconds * 1000),
        batch_interval_ms=int(settings.mail_batch_interval_seconds * 1000),
    )
    notifier = Notifier(targets, pace, timedelta(hours=settings.max_age_hours))
    postman = Postman(
        {each.key: each for each in targets},
        _mailer(settings),
        _webhooks(settings, client),
        settings.public_url,
    )
    slots = settings.workers or 4
    return Parts(
        name=NAME,
        migrations=Path(__file__).with_name("migrations"),
        publishes=PUBLISHES,
        routes=notifier.routes(),
        work=[
            work(MAIL, Notice, postman.mail, gave_up, slots=slots),
            work(WEBHOOK, Notice, postman.webhook, gave_up, slots=slots),
        ],
        settings=settings,
        common=common,
        database=open_database(common, settings),
        storage=open_object_storage(common),
        metrics=Metrics(NAME),
        resources=[client],
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
    if not settings.webhook_urls or settings.webhook_secret is None:
        return None
    return Webhooks(
        client,
        signing_key(settings.webhook_secret.get_secret_value()),
        settings.webhook_timeout_seconds,
        settings.webhook_allow_private,
    )
