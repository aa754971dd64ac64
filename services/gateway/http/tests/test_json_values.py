import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.gateway.http.json_values import (
    MOST_LEVELS,
    MOST_MARKS,
    MOST_VALUES,
    JsonSize,
    check_json,
    json_size,
)
from services.gateway.http.problems import Refused

TEXTS = st.text(st.sampled_from('",[]{}\\: aé\n'))
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | TEXTS,
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(TEXTS, inner, max_size=5),
    max_leaves=50,
)


def size(value):
    """The size by its definition; an empty list or object counts twice."""
    if not isinstance(value, list | dict):
        return JsonSize(1, 0)
    inner = [size(one) for one in (value.values() if isinstance(value, dict) else value)]
    values = 1 + sum(one.values for one in inner) if inner else 2
    return JsonSize(values, 1 + max((one.levels for one in inner), default=0))


@given(VALUES, st.booleans(), st.sampled_from([None, 2]))
def test_values_and_levels_of_any_json(value, plain, indent):
    body = json.dumps(value, ensure_ascii=plain, indent=indent)
    assert json_size(body.encode()) == size(value)


@given(st.binary() | st.text(st.sampled_from('"\\[]{},:1 ')).map(str.encode))
def test_other_bytes_have_some_size(body):
    assert json_size(body).values >= 1


@pytest.mark.parametrize(
    "most",
    [
        list(range(MOST_VALUES - 1)),
        {str(number): "," for number in range(MOST_VALUES - 1)},
        {str(number): [number] for number in range(MOST_VALUES // 2 - 1)},
        [[]] * ((MOST_VALUES - 1) // 2),
    ],
)
def test_so_many_values_are_taken_and_no_more(most):
    check_json(json.dumps(most).encode())
    more = [*most, 1, 2] if isinstance(most, list) else most | {"more": 1, "and more": 2}
    with pytest.raises(Refused, match="1,000 values"):
        check_json(json.dumps(more).encode())


def test_so_many_levels_are_taken_and_no_more():
    check_json(b"[" * MOST_LEVELS + b"]" * MOST_LEVELS)
    with pytest.raises(Refused, match="20 levels"):
        check_json(b"[" * (MOST_LEVELS + 1) + b"]" * (MOST_LEVELS + 1))


@pytest.mark.parametrize(
    "text", ['",[{' * 100_000, '"' * 1_000_000, "\\" * 1_000_000, "[" * 1_000_000, '\\"],' * 99_999]
)
def test_a_text_is_one_value_whatever_it_holds(text):
    assert json_size(json.dumps({"text": text}).encode()) == JsonSize(2, 1)


@pytest.mark.parametrize("part", [b'""', b"]", b'"', b",", b"[", b'"":'])
def test_what_goes_on_and_on_is_not_counted_to_its_end(part):
    assert json_size(part * MOST_MARKS * 3).is_too_large


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be", "utf-16", "utf-32"])
def test_what_is_not_utf_8_is_refused(encoding):
    with pytest.raises(Refused, match="UTF-8"):
        check_json('{"text": "x"}'.encode(encoding))
