from typing import Annotated, Literal, get_args
from uuid import UUID

import pytest
from pydantic import BaseModel, Field, HttpUrl, TypeAdapter, ValidationError
from pydantic_core.core_schema import ErrorType

from services.gateway.http.problem_details.value_sentences import NOT_AS_IT_MUST_BE, sentence


class Inner(BaseModel, extra="forbid"):
    name: str = "x"


def said(kind, value):
    with pytest.raises(ValidationError) as refused:
        TypeAdapter(kind).validate_python(value)
    (error,) = refused.value.errors()
    return sentence(error)


@pytest.mark.parametrize(
    ("kind", "value", "expected"),
    [
        (int, "x", "It must be a whole number."),
        (int, 1.5, "It must be a whole number."),
        (float, "x", "It must be a number."),
        (bool, "x", "It must be true or false."),
        (str, 5, "It must be text."),
        (UUID, "x", "It must be a UUID."),
        (HttpUrl, "x", "It must be a web address that begins with http:// or https://."),
        (Annotated[int, Field(ge=3)], 2, "It must be at least 3."),
        (Annotated[int, Field(le=3)], 4, "It must be at most 3."),
        (Annotated[str, Field(max_length=3)], "four", "It may have at most 3 characters."),
        (Annotated[list[int], Field(max_length=1)], [1, 2], "It may have at most 1 items."),
        (Literal["a", "b"], "c", "It must be 'a' or 'b'."),
        (Inner, {"no": 1}, "There is no such field."),
        (Inner, [], "It must be a JSON object."),
    ],
)
def test_it_says_what_it_must_be(kind, value, expected):
    assert said(kind, value) == expected


def test_a_sentence_of_ours_stays_one():
    error = {"type": "value_error", "ctx": {"error": ValueError("write pages as 1-5,8")}}
    assert sentence(error) == "Write pages as 1-5,8."


def test_every_type_of_error_has_a_sentence():
    known = get_args(ErrorType)
    assert "int_parsing" in known
    for kind in known:
        found = sentence({"type": kind, "msg": "Input should be what only a library calls so"})
        assert found.endswith(".")
        assert "library" not in found
        assert "{" not in found


def test_what_nobody_foresaw_is_said_plainly():
    assert sentence({"type": "new_in_pydantic_9", "msg": "?"}) == NOT_AS_IT_MUST_BE
