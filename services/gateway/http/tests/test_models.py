import pytest
from fastapi.routing import APIRoute
from pydantic import ValidationError

from libs.common.contracts.permissions import Capability
from services.gateway.features import FEATURES
from services.gateway.http.models import CAPABILITY, RequestBody, needed, needs

CAPABILITIES = {str(capability) for capability in Capability}


def test_a_route_declares_what_it_needs():
    assert needs(Capability.LISTEN) == {CAPABILITY: str(Capability.LISTEN)}
    assert needed({"x": 1, **needs(Capability.LISTEN)}) is Capability.LISTEN
    for nothing in (None, {}, {"x": 1}):
        with pytest.raises(TypeError, match="declares no capability"):
            needed(nothing)


@pytest.mark.slow
async def test_every_route_declares_a_capability(client):
    declared = (await client.get("/openapi.json")).json()["paths"]
    for path, operations in declared.items():
        for method, operation in operations.items():
            assert operation.get(CAPABILITY) in CAPABILITIES, f"{method} {path}"


def test_every_route_is_described():
    routers = [router for feature in FEATURES for router in (*feature.api, *feature.pages)]
    found = [route for router in routers for route in router.routes]
    assert found
    for route in found:
        assert isinstance(route, APIRoute)
        assert route.include_in_schema, route.path


def test_what_is_not_declared_is_refused():
    with pytest.raises(ValidationError):
        RequestBody.model_validate({"more": "than that"})
