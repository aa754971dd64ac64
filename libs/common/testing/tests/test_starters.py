from contextlib import ExitStack

import pytest

from libs.common.testing.processes import ServerMissing
from libs.common.testing.starters import STARTERS, given, given_kafka, given_postgres


def test_what_the_environment_does_not_name_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("LECTERN_TEST_KAFKA", raising=False)
    with pytest.raises(ServerMissing, match="LECTERN_TEST_KAFKA is not set"):
        given("LECTERN_TEST_KAFKA")


def test_the_environment_comes_first_and_no_password_is_told(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    url = "postgresql+asyncpg://me:secret@db.test:5432/postgres"
    monkeypatch.setenv("LECTERN_TEST_KAFKA", "kafka.test:9092")
    monkeypatch.setenv("LECTERN_TEST_POSTGRES_URL", url)
    with ExitStack() as stack:
        assert given_kafka(stack) == ("kafka.test:9092", "Kafka at kafka.test:9092")
        assert given_postgres(stack) == (url, "PostgreSQL at db.test:5432")
    for starters in STARTERS.values():
        assert starters[0].__name__.startswith("given_")
