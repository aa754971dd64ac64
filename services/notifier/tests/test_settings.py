import base64

import pytest

from lectern.generate.env_example import env_example
from libs.common.settings import InvalidSettings, load, secret_values
from services.notifier.notices import TYPES
from services.notifier.settings import Settings


def secret(number: int) -> str:
    return "whsec_" + base64.b64encode(bytes([number]) * 32).decode()


SECRET = secret(0)
MAIL = {
    "NOTIFIER_SMTP_HOST": "mail.example.org",
    "NOTIFIER_MAIL_FROM": "Lectern <lectern@example.org>",
    "NOTIFIER_MAIL_TO": "ann@example.org, bob@example.org,ann@example.org",
}
WEBHOOKS = {
    "NOTIFIER_WEBHOOKS": f"https://a.example.org/x?token=sesame {SECRET}, "
    f"http://127.0.0.1:9/ {secret(1)} {secret(2)}",
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
    assert "whsec_" not in repr(found)


def test_every_webhook_has_secrets_of_its_own(settings):
    found = settings(**WEBHOOKS)
    assert found.webhook_keys() == {
        "https://a.example.org/x?token=sesame": (bytes(32),),
        "http://127.0.0.1:9/": (bytes([1]) * 32, bytes([2]) * 32),
    }
    assert {SECRET, secret(1), secret(2)} <= secret_values(found)


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
        ({"NOTIFIER_WEBHOOKS": "https://a.example.org/sesame"}, "address 1 needs one secret"),
        (
            {"NOTIFIER_WEBHOOKS": f"https://a/ {secret(1)} {secret(2)} {secret(3)}"},
            "address 1 needs one secret",
        ),
        (
            {"NOTIFIER_WEBHOOKS": f"https://a/ {SECRET}, https://b/ whsec_sesame"},
            "a secret of address 2 is not whsec_",
        ),
        (
            {"NOTIFIER_WEBHOOKS": f"https://a/sesame {SECRET}, https://b/ {secret(1)} {SECRET}"},
            "a secret of its own",
        ),
        (
            {"NOTIFIER_WEBHOOKS": f"https://a/sesame {SECRET}, https://a/sesame {secret(1)}"},
            "stands there twice",
        ),
        (
            {"NOTIFIER_WEBHOOKS": f"http://a.example.org/sesame {SECRET}"},
            "address 1 must",
        ),
        ({"NOTIFIER_PUBLIC_URL": "lectern.example.org"}, "NOTIFIER_PUBLIC_URL"),
    ],
)
def test_what_does_not_fit_is_named_and_secrets_are_not_repeated(settings, wrong, complaint):
    with pytest.raises(InvalidSettings, match=complaint) as raised:
        settings(**wrong)
    assert "sesame" not in str(raised.value)


def test_plain_http_can_be_allowed(settings):
    variables = {"NOTIFIER_WEBHOOKS": f"http://hooks.internal/ {SECRET}"}
    assert len(settings(**variables, NOTIFIER_WEBHOOK_ALLOW_HTTP="true").targets()) == 1


def test_the_example_can_be_read_again(settings):
    example = env_example(Settings)
    assert "NOTIFIER_MAIL_EVENTS=audiobook.ready,document.rejected," in example
    lines = (line.split("=", 1) for line in example.splitlines() if line.startswith("NOTIFIER_"))
    example_values = {name: value for name, value in lines if name != "NOTIFIER_DATABASE_URL"}
    assert settings(**example_values) == settings()
