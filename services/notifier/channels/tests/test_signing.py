import base64
from datetime import UTC, datetime

import pytest
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from services.notifier.channels.signing import signed_headers, signing_key

SECRET = "whsec_" + base64.b64encode(bytes(range(32))).decode()


def test_the_reference_implementation_accepts_our_signature():
    body = '{"type":"audio.ready","data":{"title":"Räuber"}}'.encode()
    headers = signed_headers([signing_key(SECRET)], "msg-1", datetime.now(UTC), body)
    assert Webhook(SECRET).verify(body.decode(), headers)["type"] == "audio.ready"


def test_we_sign_as_the_reference_implementation_does():
    moment, body = datetime(2026, 1, 2, 3, 4, 5, 678, tzinfo=UTC), b"{}"
    expected = Webhook(SECRET).sign("msg-1", moment, body.decode())
    headers = signed_headers([signing_key(SECRET)], "msg-1", moment, body)
    assert headers["webhook-signature"] == expected
    assert headers["webhook-timestamp"] == str(int(moment.timestamp()))


def test_while_a_secret_is_replaced_a_receiver_may_know_either():
    old = "whsec_" + base64.b64encode(bytes(24)).decode()
    keys = [signing_key(SECRET), signing_key(old)]
    headers = signed_headers(keys, "msg-1", datetime.now(UTC), b"{}")
    assert headers["webhook-signature"].count("v1,") == 2
    for known in (SECRET, old):
        assert Webhook(known).verify("{}", headers) == {}
    with pytest.raises(WebhookVerificationError):
        Webhook("whsec_" + base64.b64encode(b"x" * 24).decode()).verify("{}", headers)


@pytest.mark.parametrize("part", ["webhook-id", "webhook-timestamp", "body"])
def test_the_signature_covers_id_time_and_body(part):
    moment = datetime.now(UTC)
    headers = signed_headers([signing_key(SECRET)], "msg-1", moment, b'{"a":1}')
    changed = {
        "webhook-id": "msg-2",
        "webhook-timestamp": str(int(moment.timestamp()) + 1),
    }
    body = '{"a":2}' if part == "body" else '{"a":1}'
    forged = headers | ({part: changed[part]} if part in changed else {})
    with pytest.raises(WebhookVerificationError):
        Webhook(SECRET).verify(body, forged)


@pytest.mark.parametrize(
    "secret",
    [
        "",
        "whsec_",
        "whsec_not base64!",
        base64.b64encode(bytes(32)).decode(),
        "whsec_" + base64.b64encode(bytes(23)).decode(),
        "whsec_" + base64.b64encode(bytes(65)).decode(),
        "whsec_ä",
    ],
)
def test_other_secrets_are_refused_and_not_repeated(secret):
    with pytest.raises(ValueError, match="whsec_ followed by") as raised:
        signing_key(secret)
    assert len(secret) < 7 or secret[6:] not in str(raised.value)
