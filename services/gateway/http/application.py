"""Puts the routes of all features together. One application for each kernel; nothing connects."""

from fastapi import Depends, FastAPI
from starlette.middleware import Middleware

from libs.common.runtime.safe_headers import SafeHeaders
from services.gateway.http.admission import Admission, AdmittedRequests
from services.gateway.http.context import UPLOADS
from services.gateway.http.delivery.signed_delivery import SignedDelivery
from services.gateway.http.description.served import add_descriptions
from services.gateway.http.exposure import Exposure
from services.gateway.http.middleware import LimitedJson, TracedRequests
from services.gateway.http.problems import add_handlers
from services.gateway.http.query_names import only_known_names
from services.gateway.http.ratelimit.limited_requests import RateLimitedRequests
from services.gateway.http.ratelimit.rate_limiter import RateLimiter
from services.gateway.http.requests.methods import HeadRequests
from services.gateway.http.requests.request_ids import IdentifiedRequests
from services.gateway.kernel.record import Kernel

JSON_GROWTH = 4
"""How much longer than its text a page may be as JSON; some letters are escaped."""
JSON_ROOM_BYTES = 64 * 1024
LONGEST_JSON_BYTES = 1024 * 1024
"""A text may be handed in as JSON, which is read as a whole; longer ones come as a file."""


def create_app(
    kernel: Kernel,
    exposure: Exposure,
    limiter: RateLimiter | None = None,
    delivery: SignedDelivery | None = None,
) -> FastAPI:
    """Return the application, an ASGI app.

    Without a ``limiter`` nothing is limited by the hour, without a ``delivery`` all is proxied.
    """
    app = FastAPI(
        title="Lectern",
        version="1",
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        generate_unique_id_function=lambda route: route.name,
        redirect_slashes=False,
        dependencies=[Depends(only_known_names)],
        middleware=_middleware(kernel, exposure, limiter),
    )
    app.state.kernel = kernel
    app.state.delivery = delivery
    for feature in reversed(kernel.features):
        for router in (*feature.api, *feature.pages):
            app.include_router(router)
    add_descriptions(app, exposure.server)
    add_handlers(app)
    _work_out_routes(app)
    return app


def _middleware(
    kernel: Kernel, exposure: Exposure, limiter: RateLimiter | None
) -> list[Middleware]:
    """Return what is around all routes, the outermost first."""
    limits = kernel.limits
    max_edit_bytes = JSON_GROWTH * limits.max_page_bytes + JSON_ROOM_BYTES
    max_json_bytes = max(LONGEST_JSON_BYTES, max_edit_bytes)
    admission = Admission(per_owner=limits.max_requests_per_owner, per_process=limits.max_requests)
    limiter = limiter or RateLimiter(limits={}, metrics=kernel.metrics)
    return [
        *exposure.of_proxies(),
        Middleware(IdentifiedRequests),
        Middleware(SafeHeaders, always_tls=exposure.always_tls),
        *exposure.of_other_sites(),
        Middleware(AdmittedRequests, admission=admission),
        Middleware(RateLimitedRequests, limiter=limiter),
        Middleware(TracedRequests),
        Middleware(HeadRequests),
        Middleware(LimitedJson, max_bytes=max_json_bytes, uploads=UPLOADS),
    ]


def _work_out_routes(app: FastAPI) -> None:
    """Have FastAPI work all routes out, 0.1 s, which it would do while the first request waits."""
    nowhere = {"type": "http", "method": "GET", "path": "/", "root_path": "", "headers": []}
    for route in app.routes:
        route.matches(nowhere)
