import pytest

from libs.common.errors import Permanent, Rejected
from services.ingest.pages.reasons import Reason, rejected


@pytest.mark.parametrize("reason", Reason)
def test_every_reason_is_a_sentence_and_a_code(reason):
    error = rejected(reason)
    assert isinstance(error, Rejected)
    assert isinstance(error, Permanent)  # reading it again would not help
    assert error.code == reason.name.lower()
    assert str(error) == reason.value
    assert str(error)[0].isupper()
    assert str(error).endswith(".")


def test_a_detail_is_one_more_sentence():
    error = rejected(Reason.DAMAGED, "Page 3 is missing.")
    assert str(error) == f"{Reason.DAMAGED.value} Page 3 is missing."
    assert error.code == "damaged"
