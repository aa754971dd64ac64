from typing import Any

from services.gateway.http.description.repetitions import PROBLEMS_OF_KEYS, idempotency_problems
from services.gateway.http.idempotency.repeated_requests import HEADER, takes_no_key


def test_an_operation_takes_a_key_and_says_so():
    operation: dict[str, Any] = {"responses": {"201": {"headers": {"ETag": {}}}, "404": {}}}
    assert idempotency_problems(operation) == PROBLEMS_OF_KEYS
    assert [one["name"] for one in operation["parameters"]] == [HEADER]
    assert set(operation["responses"]["201"]["headers"]) == {"ETag", "Idempotency-Replayed"}
    assert operation["responses"]["404"] == {}


def test_an_operation_that_refuses_keys_says_so():
    operation = {"responses": {"201": {}}, **takes_no_key()}
    assert idempotency_problems(operation) == ["idempotency_unsupported"]
    assert "parameters" not in operation
