import pytest
from pydantic import ValidationError

from libs.common.database_settings import DatabaseTimeouts


def test_an_answer_is_waited_for_longer_than_a_statement_may_take():
    with pytest.raises(ValidationError, match="STATEMENT_TIMEOUT"):
        DatabaseTimeouts(database_statement_timeout_seconds=20)
    DatabaseTimeouts(database_statement_timeout_seconds=19.9)
