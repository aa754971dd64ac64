import asyncio
from datetime import datetime

import httpx
import pytest
from fastapi import FastAPI
from starlette.applications import Starlette

from libs.common.errors import Unavailable
from libs.common.observability.health import Health


async def fine() -> None:
    return


def failing(error: Exception):
    async def check() -> None:
        raise error

    return check


def health(**checks) -> Health:
    return Health({"database": fine, "broker": fine, "storage": fine} | checks, timeout_s=0.05)


def client(app) -> httpx.AsyncClient:
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test")


async def get(found: Health, path: str = "/health/ready/", method: str = "GET") -> httpx.Response:
    async with client(Starlette(routes=found.routes())) as http:
        return await http.request(method, path)


async def test_live_asks_nobody():
    async def forbidden() -> None:
        raise AssertionError("asked")

    answer = await get(health(database=forbidden), "/health/live/")
    assert answer.status_code == 200
    assert answer.json().keys() == {"status", "timestamp"}
    assert answer.json()["status"] == "alive"


async def test_ready_has_exactly_the_shape_of_the_blueprint():
    answer = await get(health())
    assert answer.status_code == 200
    body = answer.json()
    assert body.keys() == {"status", "checks", "timestamp"}
    assert body["status"] == "ready"
    assert list(body["checks"]) == ["database", "cache", "broker", "storage", "config"]
    assert body["checks"]["database"] == {"status": "ok", "message": "ok"}
    assert body["checks"]["cache"] == {"status": "ok", "message": "in process"}
    assert body["timestamp"].endswith("Z")
    assert datetime.fromisoformat(body["timestamp"]).utcoffset() is not None
    assert answer.headers["cache-control"] == "no-store"


async def test_one_failure_makes_it_not_ready_and_shows_the_others():
    answer = await get(health(storage=failing(Unavailable("the disk is full"))))
    assert answer.status_code == 503
    assert answer.json()["status"] == "not_ready"
    checks = answer.json()["checks"]
    assert checks["storage"] == {"status": "error", "message": "the disk is full"}
    assert checks["database"]["status"] == "ok"


async def test_a_dependency_that_can_be_used_may_have_something_to_tell():
    async def partly() -> str:
        return "a part of it rests"

    answer = await get(health(broker=partly))
    assert answer.status_code == 200
    assert answer.json()["status"] == "ready"
    assert answer.json()["checks"]["broker"] == {"status": "ok", "message": "a part of it rests"}


@pytest.mark.parametrize(
    "error",
    [
        OSError("[Errno 111] Connect call failed ('10.1.2.3', 5432)"),
        RuntimeError("anything"),
        Unavailable("no answer from db.internal.example.com"),
        Unavailable("no answer from 10.1.2.3"),
        Unavailable("no answer from kafka:9092"),
        Unavailable("no answer from postgresql://u:p@db/x"),
        Unavailable("cannot write /var/lib/lectern"),
        Unavailable("login failed: password=hunter2"),
        Unavailable("no answer from [::1]"),
        Unavailable(""),
    ],
)
async def test_neither_addresses_nor_secrets_nor_bugs_are_shown(error):
    answer = await get(health(database=failing(error)))
    message = answer.json()["checks"]["database"]["message"]
    assert message == "cannot be used; the log of this service says why"


async def test_a_check_that_hangs_is_an_error_and_is_not_started_again():
    started = 0
    released = asyncio.Event()

    async def hangs() -> None:
        nonlocal started
        started += 1
        await released.wait()
        raise OSError("too late to matter")

    found = health(broker=hangs)
    for _ in range(2):
        answer = await get(found)
        assert answer.status_code == 503
        assert answer.json()["checks"]["broker"]["message"] == "did not answer within 0.05 s"
    assert started == 1
    released.set()
    await asyncio.sleep(0)


async def test_checks_run_at_once():
    met = asyncio.Barrier(3)

    async def meets() -> None:
        await met.wait()

    found = Health({"database": meets, "broker": meets, "storage": meets}, timeout_s=5)
    assert (await found.check())[0]


async def test_probes_at_the_same_time_share_a_check():
    started = 0

    async def slow() -> None:
        nonlocal started
        started += 1
        await asyncio.sleep(0.01)

    found = health(database=slow)
    answers = await asyncio.gather(*(found.check() for _ in range(5)))
    assert all(ready for ready, _ in answers)
    assert started == 1


async def test_it_recovers():
    down = True

    async def flaky() -> None:
        if down:
            raise Unavailable("down")

    found = health(database=flaky)
    assert not (await found.check())[0]
    down = False
    assert (await found.check())[0]


async def test_a_service_that_drains_is_not_ready_but_alive():
    found = health()
    found.drain()
    answer = await get(found)
    assert (answer.status_code, answer.json()["status"]) == (503, "not_ready")
    assert (await get(found, "/health/live/")).status_code == 200


@pytest.mark.parametrize(
    "path", ["/health/live", "/health/live/", "/health/ready", "/health/ready/"]
)
async def test_methods_and_slashes(path):
    assert (await get(health(), path)).status_code == 200
    head = await get(health(), path, "HEAD")
    assert (head.status_code, head.content) == (200, b"")
    for method in ("POST", "PUT", "DELETE", "PATCH", "OPTIONS"):
        answer = await get(health(), path, method)
        assert answer.status_code == 405
        assert set(answer.headers["allow"].split(", ")) == {"GET", "HEAD"}


async def test_fastapi_can_have_the_routes():
    app = FastAPI()
    app.router.routes.extend(health().routes())
    async with client(app) as http:
        assert (await http.get("/health/ready/")).json()["status"] == "ready"


async def test_a_row_more_is_welcome_and_counts():
    ready, rows = await health(smtp=failing(Unavailable("no"))).check()
    assert not ready
    assert list(rows)[-1] == "smtp"


async def test_what_is_not_used_is_fine():
    ready, rows = await health(storage=None).check()
    assert ready
    assert rows["storage"] == {"status": "ok", "message": "not used"}


def test_no_dependency_is_forgotten():
    with pytest.raises(ValueError, match="broker, storage"):
        Health({"database": fine})
