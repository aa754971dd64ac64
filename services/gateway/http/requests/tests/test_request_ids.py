import re

import pytest
import structlog
from structlog.testing import capture_logs

from services.gateway.http.requests.request_ids import current_request_id


async def test_every_answer_has_an_id_of_its_own(client):
    first, second = [await client.get("/documents") for _ in range(2)]
    ids = [answer.headers["x-request-id"] for answer in (first, second)]
    assert all(re.fullmatch("[0-9a-f]{32}", found) for found in ids)
    assert ids[0] != ids[1]


@pytest.mark.parametrize("theirs", ["shop-2026_0001", "a" * 64])
async def test_a_plain_word_of_the_client_is_taken(client, theirs):
    answer = await client.get("/nothing", headers={"X-Request-Id": theirs})
    assert answer.headers["x-request-id"] == theirs
    assert answer.json()["request_id"] == theirs


@pytest.mark.parametrize("theirs", ["short", "a" * 65, "a b c d e f", "${jndi:ldap}", "<script>1"])
async def test_nothing_else_of_the_client_is(client, theirs):
    answer = await client.get("/nothing", headers={"X-Request-Id": theirs})
    assert answer.headers["x-request-id"] not in {theirs, ""}
    assert answer.headers.get_list("x-request-id") == [answer.json()["request_id"]]


async def test_it_is_in_problems_of_every_layer(client):
    unauthorized = await client.get("/documents", headers={"Authorization": "Bearer x"})
    wrong = await client.get("/documents?limit=x")
    for answer in (unauthorized, wrong):
        assert answer.json()["request_id"] == answer.headers["x-request-id"]


async def test_it_is_in_the_logs(world, client):
    world.app.routes[0].app.state.kernel = "what nobody foresaw"
    with capture_logs(processors=[structlog.contextvars.merge_contextvars]) as logged:
        answer = await client.get("/documents")
    assert answer.status_code == 500
    assert logged[0]["request_id"] == answer.headers["x-request-id"] == answer.json()["request_id"]
    assert current_request_id() is None
