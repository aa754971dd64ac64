import base64
import json
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import httpx
import pytest
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from libs.common.errors import Permanent, Throttled, Transient, Unavailable
from services.notifier.channels.signing import signing_key
from services.notifier.channels.webhooks import (
    Webhooks,
    webhook_client,
    webhook_url_problem,
)
from services.notifier.notices import TYPES, Notice, Target, Told
from services.notifier.tests.samples import DOCUMENT, IDENTITIES, audio_ready, audiobook_ready
from services.notifier.tests.servers import Receiver, answer

SECRET = "whsec_" + base64.b64encode(bytes(range(32))).decode()


@pytest.fixture
async def webhooks(receiver):
    async with webhook_client(allow_private=True) as client:
        yield webhooks_by(client, receiver.url)


def webhooks_by(
    client: httpx.AsyncClient, url: str, *, timeout_s: float = 5, allow_private: bool = True
) -> Webhooks:
    keys = {url: [signing_key(SECRET)]}
    return Webhooks(client=client, keys=keys, timeout_s=timeout_s, allow_private=allow_private)


def notice_for(receiver: Receiver, event: Told | None = None) -> Notice:
    target = Target("webhook", receiver.url, frozenset(TYPES))
    return Notice.of(event or audio_ready(page=4), target, IDENTITIES)


async def test_the_receiver_can_verify_and_read_what_it_gets(webhooks, receiver):
    event = audiobook_ready()
    notice = notice_for(receiver, event)
    await webhooks.post(notice, receiver.url)
    [request] = receiver.requests
    assert request.line == "POST /hook?token=sesame HTTP/1.1"
    assert request.headers["content-type"] == "application/json"
    assert request.headers["webhook-id"] == str(notice.notification_id)
    body = Webhook(SECRET).verify(request.body, request.headers)
    assert body["type"] == "audiobook.ready"
    assert datetime.fromisoformat(body["timestamp"]) == event.occurred_at
    assert body["data"] == json.loads(event.encode())
    assert body["data"]["document_id"] == str(DOCUMENT)


async def test_no_log_tells_the_token_of_the_address(webhooks, receiver, caplog):
    with caplog.at_level("INFO"):
        await webhooks.post(notice_for(receiver), receiver.url)
    assert "sesame" not in caplog.text


async def test_a_second_attempt_has_the_same_id(webhooks, receiver):
    notice = notice_for(receiver)
    await webhooks.post(notice, receiver.url)
    await webhooks.post(Notice.model_validate_json(notice.model_dump_json()), receiver.url)
    first, second = receiver.requests
    assert first.headers["webhook-id"] == second.headers["webhook-id"]
    assert first.body == second.body


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (301, Permanent),
        (307, Permanent),
        (400, Permanent),
        (401, Permanent),
        (404, Permanent),
        (408, Transient),
        (409, Transient),
        (410, Permanent),
        (425, Transient),
        (429, Transient),
        (500, Transient),
        (503, Transient),
    ],
)
async def test_the_status_decides(webhooks, receiver, status, error):
    receiver.answers = [answer(status, f"Location: {receiver.url}")]
    with pytest.raises(error, match=str(status)) as raised:
        await webhooks.post(notice_for(receiver), receiver.url)
    assert type(raised.value) is error
    assert "127.0.0.1" not in str(raised.value)
    assert len(receiver.requests) == 1


@pytest.mark.parametrize("status", [429, 503])
async def test_the_receiver_may_say_when(webhooks, receiver, status):
    later = format_datetime(datetime.now(UTC) + timedelta(seconds=90), usegmt=True)
    receiver.answers = [
        answer(status, "Retry-After: 7"),
        answer(status, f"Retry-After: {later}"),
        answer(status, "Retry-After: 99999999"),
    ]
    waits = []
    for _ in range(3):
        with pytest.raises(Throttled) as raised:
            await webhooks.post(notice_for(receiver), receiver.url)
        waits.append(raised.value.retry_after_s or 0)
    assert waits[0] == 7
    assert 60 < waits[1] <= 90
    assert waits[2] == 24 * 3600


@pytest.mark.parametrize("value", ["soon", "nan", "inf", "", "-"])
async def test_an_unreadable_retry_after_is_none(webhooks, receiver, value):
    receiver.answers = [answer(429, f"Retry-After: {value}")]
    with pytest.raises(Transient) as raised:
        await webhooks.post(notice_for(receiver), receiver.url)
    assert type(raised.value) is Transient


@pytest.mark.slow
async def test_a_receiver_that_never_answers_is_given_up(receiver):
    receiver.answers = [None]
    async with webhook_client(allow_private=True) as client:
        quick = webhooks_by(client, receiver.url, timeout_s=0.2)
        with pytest.raises(Transient, match="in time"):
            await quick.post(notice_for(receiver), receiver.url)


async def test_an_endless_answer_is_not_read(webhooks, receiver):
    receiver.answers = [b"HTTP/1.1 200 OK\r\nContent-Length: 99999999\r\n\r\n" + b"x" * 200_000]
    await webhooks.post(notice_for(receiver), receiver.url)


async def test_nobody_there(receiver):
    url = "http://127.0.0.1:1/"
    async with webhook_client(allow_private=True) as client:
        with pytest.raises(Unavailable):
            await webhooks_by(client, url).post(notice_for(receiver), url)


async def test_a_secret_of_one_address_signs_nothing_for_another(receiver):
    mine, other = receiver.url, receiver.url + "&other"
    theirs = "whsec_" + base64.b64encode(b"t" * 32).decode()
    keys = {mine: [signing_key(SECRET)], other: [signing_key(theirs)]}
    async with webhook_client(allow_private=True) as client:
        both = Webhooks(client=client, keys=keys, timeout_s=5, allow_private=True)
        for url in (mine, other):
            await both.post(notice_for(receiver), url)
    first, second = receiver.requests
    Webhook(SECRET).verify(first.body, first.headers)
    Webhook(theirs).verify(second.body, second.headers)
    with pytest.raises(WebhookVerificationError):
        Webhook(SECRET).verify(second.body, second.headers)


async def test_an_address_without_a_secret_gets_nothing(webhooks, receiver):
    with pytest.raises(Permanent, match="no secret"):
        await webhooks.post(notice_for(receiver), receiver.url + "&other")
    assert receiver.requests == []


@pytest.mark.parametrize(
    "reply",
    [
        b"HTTP/1.1 200 OK\r\n" + b"X-More: " + b"a" * 200_000 + b"\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
    ],
)
async def test_hostile_answers_are_no_answers(webhooks, receiver, reply):
    receiver.answers = [reply]
    with pytest.raises(Unavailable):
        await webhooks.post(notice_for(receiver), receiver.url)


async def test_answers_are_not_unpacked(webhooks, receiver):
    coded = "Content-Encoding: gzip, gzip, gzip"
    receiver.answers = [answer(200, coded, body=b"no gzip at all")]
    await webhooks.post(notice_for(receiver), receiver.url)


async def test_not_http(webhooks, receiver):
    receiver.answers = [b"SSH-2.0-OpenSSH\r\n"]
    with pytest.raises(Unavailable):
        await webhooks.post(notice_for(receiver), receiver.url)


@pytest.mark.parametrize(
    "host",
    [
        *("127.0.0.1", "localhost", "[::1]", "[::ffff:127.0.0.1]", "[64:ff9b::7f00:1]"),
        *("[::10.0.0.1]", "[fec0::1]", "192.0.0.8", "192.88.99.1", "[3fff::1]"),
    ],
)
async def test_private_addresses_can_be_refused(receiver, host):
    async with webhook_client(allow_private=False) as client:
        url = f"http://{host}:{receiver.port}/"
        guarded = webhooks_by(client, url, allow_private=False)
        with pytest.raises(Permanent, match="private network"):
            await guarded.post(notice_for(receiver), url)
    assert receiver.requests == []


async def test_a_pinned_request_keeps_its_name():
    from services.notifier.channels.webhooks import _pin

    request = httpx.Request("POST", "https://93.184.215.14:8443/x?y=z")
    await _pin(request)
    assert request.extensions["sni_hostname"] == "93.184.215.14"
    assert request.headers["host"] == "93.184.215.14:8443"
    assert str(request.url) == "https://93.184.215.14:8443/x?y=z"


@pytest.mark.parametrize(
    ("url", "fine"),
    [
        ("https://example.org/hook", True),
        ("http://example.org/hook", False),
        ("http://127.0.0.1:9/hook", True),
        ("http://localhost/hook", True),
        ("http://[::1]/hook", True),
        ("http://localhost.example.org/", False),
        ("ftp://example.org/", False),
        ("example.org/hook", False),
        ("https://", False),
        ("https://example.org:port/", False),
        ("https://[::1", False),
    ],
)
def test_addresses(url, fine):
    problem = webhook_url_problem(url, allow_http=False)
    assert (problem is None) is fine
    assert webhook_url_problem("http://example.org/", allow_http=True) is None
