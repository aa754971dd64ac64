import httpx
import pytest
from prometheus_client import generate_latest
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Mount, Route

from libs.common.errors import Unavailable
from libs.common.observability.metrics import Metrics
from libs.common.observability.metrics_page import MeasuredRequests, metrics_route


def client(app) -> httpx.AsyncClient:
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    return httpx.AsyncClient(transport=transport, base_url="http://test")


async def page(request) -> Response:
    return PlainTextResponse("hello")


async def broken(request) -> Response:
    raise RuntimeError("a bug")


async def test_the_page_shows_refreshed_gauges():
    metrics = Metrics("synth")

    async def refresh():
        metrics.jobs_ready.set(3)

    async with client(Starlette(routes=[metrics_route(metrics, refresh)])) as http:
        answer = await http.get("/metrics")
    assert answer.headers["content-type"].startswith("text/plain")
    assert 'jobs_ready{service="synth"} 3.0' in answer.text


async def test_openmetrics_for_those_who_ask():
    async with client(Starlette(routes=[metrics_route(Metrics("synth"))])) as http:
        answer = await http.get("/metrics", headers={"accept": "application/openmetrics-text"})
    assert answer.headers["content-type"].startswith("application/openmetrics-text")
    assert answer.text.endswith("# EOF\n")


async def test_a_database_that_is_down_does_not_hide_the_metrics():
    async def refresh():
        raise Unavailable("the database does not answer")

    async with client(Starlette(routes=[metrics_route(Metrics("synth"), refresh)])) as http:
        assert (await http.get("/metrics")).status_code == 200


@pytest.mark.parametrize(
    ("method", "path", "labels"),
    [
        (
            "GET",
            "/documents/17",
            'method="GET",route="/documents/{id}",status="200"',
        ),
        ("GET", "/broken", 'method="GET",route="/broken",status="500"'),
        ("GET", "/made/up", 'method="GET",route="unmatched",status="404"'),
        ("GET", "/in/deep", 'method="GET",route="/deep",status="200"'),
        ("BREW", "/made/up", 'method="other",route="unmatched",status="404"'),
    ],
)
async def test_requests_are_counted_by_template(method, path, labels):
    metrics = Metrics("gateway")
    inner = Mount("/in", routes=[Route("/deep", page)])
    routes = [Route("/documents/{id}", page), Route("/broken", broken), inner]
    async with client(MeasuredRequests(Starlette(routes=routes), metrics)) as http:
        await http.request(method, path)
    text = generate_latest(metrics.registry).decode().replace('service="gateway",', "")
    assert f"http_requests_total{{{labels}}} 1.0" in text
    assert f"http_request_seconds_count{{{labels}}} 1.0" in text
