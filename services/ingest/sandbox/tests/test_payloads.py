import json
from collections.abc import Callable

import pytest

from libs.common.errors import Throttled
from services.ingest.sandbox import payloads
from services.ingest.sandbox.payloads import LONGEST_WAIT_S, MOST_CHARACTERS

HONEST: dict[Callable[[bytes], object], dict[str, object]] = {
    payloads.page: {"number": 1, "markdown": "", "title": None, "language": "und"},
    payloads.rejection: {"code": "empty", "message": ""},
    payloads.failure: {"throttled": True, "message": "", "after_s": 1},
    payloads.fetched: {"filename": None},
}


@pytest.mark.parametrize("reads", [*HONEST, lambda said: payloads.metadata(said, None)])
@pytest.mark.parametrize("said", ["1", "null", "[]", "{}", '"x"', "[" * 100_000, "{", "9" * 5000])
def test_what_is_not_said_as_agreed_is_refused(reads, said):
    with pytest.raises(ValueError, match="validation error"):
        reads(said.encode())


@pytest.mark.parametrize(
    ("reads", "field"), [(reads, field) for reads, fields in HONEST.items() for field in fields]
)
@pytest.mark.parametrize("value", [["x"], {"x": 1}])
def test_a_field_of_another_type_is_refused(reads, field, value):
    reads(json.dumps(HONEST[reads]).encode())
    with pytest.raises(ValueError, match=field):
        reads(json.dumps({**HONEST[reads], field: value}).encode())


def test_a_wait_of_very_many_digits_is_refused():
    said = f'{{"message": "", "throttled": true, "after_s": {"9" * 400}}}'.encode()
    with pytest.raises(ValueError, match=r"a wait of|after_s"):
        payloads.failure(said)


def test_chapters_of_another_shape_are_refused():
    said = {"title": "", "chapters": [{"title": ["x"], "first_page": 1, "level": 1}]}
    with pytest.raises(ValueError, match=r"chapters"):
        payloads.metadata(json.dumps(said).encode(), None)


@pytest.mark.parametrize("after", ["1e999", "-1", "NaN"])
def test_a_wait_that_is_none_is_refused(after):
    said = f'{{"message": "", "throttled": true, "after_s": {after}}}'.encode()
    with pytest.raises(ValueError, match="a wait of"):
        payloads.failure(said)


def test_what_a_program_that_was_taken_over_says_has_bounds():
    said = json.dumps({"message": "x" * 10_000, "throttled": True, "after_s": 1e15}).encode()
    told = payloads.failure(said)
    assert isinstance(told, Throttled)
    assert (told.retry_after_s, len(str(told))) == (LONGEST_WAIT_S, MOST_CHARACTERS)
    name = json.dumps({"filename": "x" * 10_000}).encode()
    assert payloads.fetched(name) == "x" * MOST_CHARACTERS
