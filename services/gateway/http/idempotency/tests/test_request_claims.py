"""What happens between two processes, with a handler that can be stopped at any moment."""

import asyncio

import pytest
from sqlalchemy import select, update
from starlette.requests import Request
from starlette.responses import JSONResponse

from libs.common.contracts.documents import DocumentSubmitted
from libs.common.errors import Conflict
from services.gateway.http.idempotency import request_claims
from services.gateway.http.idempotency.repeated_requests import (
    LARGEST_ANSWER_BYTES,
    RepeatedRequests,
)
from services.gateway.http.idempotency.tables import idempotency_keys
from services.gateway.http.problems import Refused

pytestmark = pytest.mark.slow


async def kept(world):
    async with world.database.reading() as connection:
        return (await connection.execute(select(idempotency_keys))).all()


def a_request(key="a key", body=b"{}"):
    sent = [{"type": "http.request", "body": body, "more_body": False}]

    async def receive():
        return sent.pop() if sent else {"type": "http.disconnect"}

    scope = {
        "type": "http",
        "method": "POST",
        "path": "/api/v1/things",
        "query_string": b"",
        "headers": [(b"idempotency-key", key.encode())],
        "server": ("gateway", 80),
        "scheme": "http",
    }
    return Request(scope, receive)


async def test_who_takes_too_long_is_not_waited_for(world):
    begun, gate = asyncio.Event(), asyncio.Event()

    async def slow(_request):
        begun.set()
        await gate.wait()
        return JSONResponse({"made": 1}, 201)

    repeated = RepeatedRequests(kernel=world.kernel, wait_s=0.1)
    first = asyncio.create_task(repeated.answer(a_request(), world.owner, slow))
    await begun.wait()
    with pytest.raises(Refused) as refused:
        await repeated.answer(a_request(), world.owner, slow)
    assert (refused.value.status_code, refused.value.code) == (409, "idempotency_in_flight")
    assert int((refused.value.headers or {})["Retry-After"]) > 0
    with pytest.raises(Refused) as refused:
        await repeated.answer(a_request(body=b'{"else": 1}'), world.owner, slow)
    assert refused.value.code == "idempotency_key_reused"
    gate.set()
    assert (await first).status_code == 201
    again = await repeated.answer(a_request(), world.owner, slow)
    assert (again.status_code, bytes(again.body)) == (201, b'{"made":1}')


async def lease_is_over(world):
    async with world.database.transaction() as connection:
        await connection.execute(update(idempotency_keys).values(lease_until_ms=0))


async def test_of_a_process_that_froze_others_take_over_and_it_makes_nothing(world):
    """It was silent for longer than its lease, and goes on as if nothing had happened."""
    begun, gate = asyncio.Event(), asyncio.Event()

    async def handing_in(_request):
        return JSONResponse({"made": str(await world.hand_in())}, 201)

    async def frozen(request):
        begun.set()
        await gate.wait()
        return await handing_in(request)

    repeated = RepeatedRequests(kernel=world.kernel)
    first = asyncio.create_task(repeated.answer(a_request(), world.owner, frozen))
    await begun.wait()
    await lease_is_over(world)
    answer = await repeated.answer(a_request(), world.owner, handing_in)
    gate.set()
    with pytest.raises(Conflict):
        await first
    assert len(await world.appended(DocumentSubmitted)) == 1
    again = await repeated.answer(a_request(), world.owner, handing_in)
    assert bytes(again.body) == bytes(answer.body)


async def test_what_was_made_is_not_made_again_though_its_answer_is_lost(world):
    """The process dies after the transaction, and before it kept the answer."""

    class Died(BaseException):
        pass

    async def dying(_request):
        await world.hand_in()
        raise Died

    repeated = RepeatedRequests(kernel=world.kernel)
    with pytest.raises(Died):
        await repeated.answer(a_request(), world.owner, dying)
    with pytest.raises(Refused) as refused:
        await repeated.answer(a_request(), world.owner, dying)
    assert (refused.value.status_code, refused.value.code) == (409, "idempotency_answer_lost")
    assert len(await world.appended(DocumentSubmitted)) == 1


async def test_a_large_answer_is_not_kept(world):
    async def large(_request):
        return JSONResponse({"made": "x" * LARGEST_ANSWER_BYTES}, 201)

    repeated = RepeatedRequests(kernel=world.kernel)
    assert (await repeated.answer(a_request(), world.owner, large)).status_code == 201
    assert await kept(world) == []


async def test_a_lease_is_renewed_while_the_work_lasts(world, monkeypatch):
    monkeypatch.setattr(request_claims, "RENEW_EVERY_S", 0.02)

    async def long_work(_request):
        await lease_is_over(world)
        async with asyncio.timeout(5):
            while (await kept(world))[0].lease_until_ms == 0:
                await asyncio.sleep(0.01)
        return JSONResponse({}, 201)

    answer = await RepeatedRequests(kernel=world.kernel).answer(a_request(), world.owner, long_work)
    assert answer.status_code == 201


async def test_who_goes_away_leaves_the_key_to_others(world):
    begun = asyncio.Event()

    async def endless(_request):
        begun.set()
        await asyncio.Event().wait()

    first = asyncio.create_task(
        RepeatedRequests(kernel=world.kernel).answer(a_request(), world.owner, endless)
    )
    await begun.wait()
    assert len(await kept(world)) == 1
    first.cancel()
    with pytest.raises(asyncio.CancelledError):
        await first
    assert await kept(world) == []
