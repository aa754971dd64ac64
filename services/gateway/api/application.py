"""Puts the endpoints together. One app for each context; nothing is connected here."""

from fastapi import FastAPI
from starlette.middleware import Middleware

from services.gateway.api import audios, documents, narrations, pages
from services.gateway.api.context import PREFIX, Context
from services.gateway.api.middleware import LimitedJson, SafeHeaders, Traced
from services.gateway.api.problems import add_handlers

DESCRIPTION = "Turns documents into audio. Errors are RFC 9457 problem details."


def create_app(context: Context) -> FastAPI:
    """Return the API as an ASGI app."""
    app = FastAPI(
        title="Lectern",
        version="1",
        description=DESCRIPTION,
        openapi_url=f"{PREFIX}/openapi.json",
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        middleware=[
            Middleware(SafeHeaders),
            Middleware(Traced),
            Middleware(
                LimitedJson, max_bytes=context.max_json_bytes, uploads=f"{PREFIX}/documents"
            ),
        ],
    )
    app.state.context = context
    for each in (documents, pages, narrations, audios):
        app.include_router(each.router)
    add_handlers(app)
    return app
