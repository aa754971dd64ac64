from services.gateway.http.description.problem_responses import problem_responses


def test_problems_follow_from_what_an_operation_takes():
    plain = problem_responses({"responses": {}}, [])
    assert set(plain) == {"401", "403", "422", "429", "500", "503"}
    whole = {
        "parameters": [{"in": "path"}, {"in": "query"}],
        "requestBody": {},
        "responses": {"204": {}},
    }
    found = problem_responses(whole, ["stale"])
    assert {"400", "404", "408", "409", "412", "413", "415"} <= set(found)
    invalid = found["422"]["content"]["application/problem+json"]["examples"]
    assert {"invalid", "unknown_parameter", "too_complex"} <= set(invalid)
    assert "Retry-After" in found["503"]["headers"]
