import pytest
from fastapi.routing import APIRoute
from pydantic import ValidationError

from libs.common.contracts.permissions import Capability
from services.gateway.features import FEATURES
from services.gateway.http.models import (
    CAPABILITY,
    OPEN_TO_ALL,
    RequestBody,
    is_open,
    needed,
    needs,
    open_to_all,
)

CAPABILITIES = {*map(str, Capability), OPEN_TO_ALL}


def test_a_route_declares_what_it_needs():
    assert needs(Capability.LISTEN) == {CAPABILITY: str(Capability.LISTEN)}
    assert needed({"x": 1, **needs(Capability.LISTEN)}) is Capability.LISTEN
    for nothing in (None, {}, {"x": 1}):
        with pytest.raises(TypeError, match="declares no capability"):
            needed(nothing)


def test_a_route_may_declare_that_it_is_open_to_all():
    assert is_open(open_to_all())
    assert OPEN_TO_ALL not in set(map(str, Capability))
    for other in (None, {}, needs(Capability.LISTEN)):
        assert not is_open(other)


@pytest.mark.slow
async def test_every_route_declares_a_capability(client):
    declared = (await client.get("/openapi.json")).json()["paths"]
    for path, operations in declared.items():
        for method, operation in operations.items():
            assert operation.get(CAPABILITY) in CAPABILITIES, f"{method} {path}"


def test_every_route_is_described():
    routers = [router for feature in FEATURES for router in feature.api]
    found = [route for router in routers for route in router.routes]
    assert found
    for route in found:
        assert isinstance(route, APIRoute)
        assert route.include_in_schema, route.path


def test_what_is_not_declared_is_refused():
    with pytest.raises(ValidationError):
        RequestBody.model_validate({"more": "than that"})


class Said(RequestBody):
    name: str
    text: str = ""
    number: int = 0

    checked_elsewhere = frozenset({"text"})


def test_no_text_has_what_postgresql_does_not_store():
    assert Said(name="Ada", text="\x00").text == "\x00"
    with pytest.raises(ValidationError, match=r"name holds U\+0000"):
        Said(name="A\x00da")


def test_what_people_send_is_in_no_log():
    assert repr(Said(name="secret")) == "Said(name='...', text='...', number='...')"
