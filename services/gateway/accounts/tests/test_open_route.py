from typing import Any

import pytest
from fastapi import APIRouter
from fastapi.routing import APIRoute

from libs.common.contracts.permissions import Capability
from services.gateway.accounts.current_caller import CallerRoute
from services.gateway.accounts.open_route import OpenRoute
from services.gateway.features import FEATURES
from services.gateway.http.models import is_open, needs


@pytest.mark.parametrize("declared", [None, needs(Capability.LISTEN)])
def test_a_route_that_does_not_say_that_it_is_open_is_none(declared):
    router = APIRouter(route_class=OpenRoute)
    with pytest.raises(TypeError, match="open to all"):
        router.get("/news", openapi_extra=declared)(lambda: "all")


def test_every_route_asks_for_credentials_or_says_that_it_does_not():
    routers = [router for feature in FEATURES for router in (*feature.api, *feature.pages)]
    routes: list[Any] = [route for router in routers for route in router.routes]
    routes = [route for route in routes if isinstance(route, APIRoute)]
    for route in routes:
        expected = OpenRoute if is_open(route.openapi_extra) else CallerRoute
        assert isinstance(route, expected), route.path
    assert {route.path for route in routes if isinstance(route, OpenRoute)} == {
        "/api/v1/registrations",
        "/api/v1/password-resets",
        "/api/v1/login",
        "/api/v1/login/providers",
        "/api/v1/mail-links",
        "/api/v1/audios/{audio_id}/playback",
        "/links/{mail_id}/{secret}",
        "/login/{provider}",
        "/login/{provider}/callback",
    }
