from uuid import uuid4

import pytest

from services.gateway.http.problems import Refused
from services.gateway.watching.stream_slots import StreamSlots

OWNER, OTHER, THIRD = uuid4(), uuid4(), uuid4()


def test_an_owner_has_so_many_and_gets_them_back():
    slots = StreamSlots(per_owner=2, per_process=10)
    with slots.one(OWNER), slots.one(OTHER):
        with slots.one(OWNER):
            with pytest.raises(Refused) as refused, slots.one(OWNER):
                pass
            assert (refused.value.status_code, refused.value.code) == (429, "too_many_streams")
        with slots.one(OWNER):
            pass


def test_a_process_has_so_many():
    slots = StreamSlots(per_owner=2, per_process=2)
    with slots.one(OWNER), slots.one(OTHER):
        with pytest.raises(Refused) as refused, slots.one(THIRD):
            pass
        assert refused.value.status_code == 503
        assert "Retry-After" in (refused.value.headers or {})
    with slots.one(THIRD):
        pass
