from typing import Annotated

import pytest
from pydantic import Field, ValidationError
from pydantic_settings import BaseSettings

from libs.common.expected_values import expected


class Knobs(BaseSettings):
    careful: bool = False
    batch_size: int = Field(default=5, ge=1, le=10_000)
    max_bytes: int = Field(default=5, gt=0)
    port: Annotated[int, Field(ge=0, le=65535)] = 1
    lease_seconds: int | None = Field(default=None, ge=3)
    poll_interval_ms: float = Field(default=1, gt=0)
    ratio: float = Field(default=1, ge=0, le=1)
    below: float = Field(default=1, lt=2)
    any_number: int = 3
    name: str = Field(default="a", pattern="^a$")
    ports: tuple[int, ...] = (1,)


@pytest.mark.parametrize(
    ("field", "wrong", "words"),
    [
        ("careful", "maybe", "it has to be true or false"),
        ("batch_size", "10001", "it has to be a whole number from 1 to 10000"),
        ("batch_size", "1.5", "it has to be a whole number from 1 to 10000"),
        ("max_bytes", "0", "it has to be a whole number of bytes above 0"),
        ("port", "99999", "it has to be a whole number from 0 to 65535"),
        ("lease_seconds", "soon", "it has to be a whole number of seconds, at least 3"),
        ("poll_interval_ms", "x", "it has to be a number of milliseconds above 0"),
        ("ratio", "7", "it has to be a number from 0 to 1"),
        ("below", "7", "it has to be a number below 2"),
        ("any_number", "x", "it has to be a whole number"),
        ("name", "b", None),
        ("ports", "[true, 1.5]", None),
    ],
)
def test_what_is_expected_is_said_with_range_and_unit(monkeypatch, field, wrong, words):
    monkeypatch.setenv(field.upper(), wrong)
    with pytest.raises(ValidationError) as refused:
        Knobs()
    assert {expected(Knobs, error) for error in refused.value.errors()} == {words}
