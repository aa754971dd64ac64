"""Serves what describes the API: the OpenAPI document, the page made of it, that of problems."""

import asyncio
import json
from functools import cache
from typing import Any

from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from services.gateway.http.context import PREFIX
from services.gateway.http.description.openapi import openapi_document
from services.gateway.http.description.reference_page import (
    PAGE,
    POLICY,
    STYLE,
    STYLE_PAGE,
    reference_html,
)
from services.gateway.http.problem_details.problem_types import PAGE as PROBLEMS_PAGE
from services.gateway.http.problem_details.problems_page import problems_html
from services.gateway.http.query_names import check_names

DOCUMENT = f"{PREFIX}/openapi.json"


def add_descriptions(app: FastAPI, server: str) -> None:
    """Add the routes. What takes long is made once, in a thread: it would hold the loop."""

    @cache
    def document() -> dict[str, Any]:
        return openapi_document(app, server)

    @cache
    def as_json() -> bytes:
        return json.dumps(document(), ensure_ascii=False).encode()

    @cache
    def as_page() -> str:
        return reference_html(document(), DOCUMENT)

    async def described(request: Request) -> Response:
        check_names(request)
        return Response(await asyncio.to_thread(as_json), media_type="application/json")

    async def shown(request: Request) -> Response:
        check_names(request)
        page = await asyncio.to_thread(as_page)
        return HTMLResponse(page, headers={"Content-Security-Policy": POLICY})

    async def styled(request: Request) -> Response:
        check_names(request)
        return Response(STYLE, media_type="text/css")

    async def explained(request: Request) -> Response:
        check_names(request)
        return HTMLResponse(problems_html())

    for path, answer in (
        (DOCUMENT, described),
        (PAGE, shown),
        (STYLE_PAGE, styled),
        (PROBLEMS_PAGE, explained),
    ):
        app.add_route(path, answer, include_in_schema=False)
