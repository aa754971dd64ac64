import pytest
from pydantic import ValidationError

from services.gateway.kernel.views import NO_REASON, Failure, failure


def test_a_failure_has_a_sentence_even_if_nobody_knows_why():
    assert failure("broke", "It broke.") == Failure(code="broke", reason="It broke.")
    assert failure("broke", None).reason == NO_REASON
    assert failure(None, None).code == ""


def test_views_are_frozen():
    with pytest.raises(ValidationError):
        setattr(failure("broke", None), "code", "other")  # noqa: B010
