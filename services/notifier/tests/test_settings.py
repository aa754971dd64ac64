import base64

import pytest

from lectern.generate.env_example import env_example
from libs.common.settings import InvalidSettings, load
from services.notifier.notices import TYPES
from services.notifier.settings import Settings

SECRET = "whsec_" + base64.b64encode(bytes(32)).decode()
MAIL = {
    "NOTIFIER_SMTP_HOST": "mail.example.org",
    "NOTIFIER_MAIL_FROM": "Lectern <lectern@example.org>",
    "NOTIFIER_MAIL_TO": "ann@example.org, bob@example.org,ann@example.org",
}
WEBHOOKS = {
    "NOTIFIER_WEBHOOK_URLS": "https://a.example.org/x?token=sesame,http://127.0.0.1:9/",
    "NOTIFIER_WEBHOOK_SECRET": SECRET,
}


@pytest.fixture
def settings(monkeypatch):
    def with_environment(**variables):
        monkeypatch.setenv("NOTIFIER_DATABASE_URL", "sqlite+aiosqlite:////tmp/n.db")
        for name, value in variables.items():
            monkeypatch.setenv(name, value)
        return load(Settings)

    return with_environment


def test_by_default_nobody_is_told(settings):
    found = settings()
    assert found.targets() == ()
    assert found.http_port == 8004
    by_webhook_only = {"audio.ready", "narration.completed", "narration.failed"}
    assert set(found.mail_events) == set(TYPES) - by_webhook_only
    assert set(found.webhook_events) == set(TYPES) > by_webhook_only


def test_ends_of_narrations_can_be_told_by_mail(settings):
    chosen = settings(**MAIL, NOTIFIER_MAIL_EVENTS="narration.completed,narration.failed")
    assert chosen.targets()[0].types == {"narration.completed", "narration.failed"}


def test_every_mailbox_and_webhook_is_a_target(settings):
    found = settings(**MAIL, **WEBHOOKS, NOTIFIER_MAIL_EVENTS="audiobook.ready")
    mails, hooks = found.targets()[:2], found.targets()[2:]
    assert [target.address for target in mails] == ["ann@example.org", "bob@example.org"]
    assert mails[0].types == {"audiobook.ready"}
    assert [target.shown for target in hooks] == ["a.example.org", "127.0.0.1"]
    assert "sesame" not in repr(found)
    assert "ann@" not in repr(found)


def test_without_a_mail_server_recipients_are_no_targets(settings):
    assert settings(NOTIFIER_MAIL_TO="ann@example.org").targets() == ()


@pytest.mark.parametrize(("security", "port"), [("starttls", 587), ("tls", 465), ("none", 25)])
def test_ports(settings, security, port):
    assert settings(NOTIFIER_SMTP_SECURITY=security).smtp_port_or_default == port
    assert settings(NOTIFIER_SMTP_PORT="2525").smtp_port_or_default == 2525


@pytest.mark.parametrize(
    ("wrong", "complaint"),
    [
        ({"NOTIFIER_SMTP_HOST": "mail.example.org"}, "NOTIFIER_MAIL_FROM"),
        (MAIL | {"NOTIFIER_MAIL_TO": "ann@example.org,bob@sesame@"}, "NOTIFIER_MAIL_TO"),
        (MAIL | {"NOTIFIER_MAIL_FROM": "sesame"}, "NOTIFIER_MAIL_FROM"),
        ({"NOTIFIER_MAIL_EVENTS": "audio.ready,audio.raedy"}, "choose among"),
        ({"NOTIFIER_SMTP_USERNAME": "ann"}, "NOTIFIER_SMTP_PASSWORD"),
        (
            MAIL
            | {
                "NOTIFIER_SMTP_SECURITY": "none",
                "NOTIFIER_SMTP_USERNAME": "ann",
                "NOTIFIER_SMTP_PASSWORD": "sesame",
            },
            "in clear",
        ),
        ({"NOTIFIER_WEBHOOK_URLS": "https://a.example.org/"}, "NOTIFIER_WEBHOOK_SECRET"),
        (WEBHOOKS | {"NOTIFIER_WEBHOOK_SECRET": "sesame"}, "whsec_"),
        (WEBHOOKS | {"NOTIFIER_WEBHOOK_URLS": "http://a.example.org/sesame"}, "address 1 must"),
        ({"NOTIFIER_PUBLIC_URL": "lectern.example.org"}, "NOTIFIER_PUBLIC_URL"),
    ],
)
def test_what_does_not_fit_is_named_and_secrets_are_not_repeated(settings, wrong, complaint):
    with pytest.raises(InvalidSettings, match=complaint) as raised:
        settings(**wrong)
    assert "sesame" not in str(raised.value)


def test_plain_http_can_be_allowed(settings):
    variables = WEBHOOKS | {"NOTIFIER_WEBHOOK_URLS": "http://hooks.internal/"}
    assert len(settings(**variables, NOTIFIER_WEBHOOK_ALLOW_HTTP="true").targets()) == 1


def test_the_example_can_be_read_again(settings):
    example = env_example(Settings)
    assert "NOTIFIER_MAIL_EVENTS=audiobook.ready,document.rejected," in example
    lines = (line.split("=", 1) for line in example.splitlines() if line.startswith("NOTIFIER_"))
    example_values = {name: value for name, value in lines if name != "NOTIFIER_DATABASE_URL"}
    assert settings(**example_values) == settings()
