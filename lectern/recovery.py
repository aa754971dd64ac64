"""Makes up for what the embedded broker forgets: the event stores are the truth, not the wire.

An event that its producer sent and a consumer never handled is sent again, with the same id. At
start that is everything that was under way when the process was killed; while running, it is what
fell out of the broker's 5 MiB per partition.

Jobs that a killed process held are free again at once: nobody else works in the data folder, so
there is no need to wait until their leases end.
"""

import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from contextlib import closing
from pathlib import Path

RECENT_EVENTS = 20_000
"""How far back a sweep looks; what is older was looked at before."""


def resend_unhandled(
    databases: Mapping[str, Path],
    consumers: Mapping[str, Sequence[str]],
    sent_before_ms: int | None = None,
) -> int:
    """Mark as unsent what some consumer's inbox lacks, and return how many events that were.

    Args:
        databases: The SQLite file of each service.
        consumers: The topics that each service consumes.
        sent_before_ms: Only events that were sent before this moment, and recent ones.
    """
    return sum(
        _resend(databases[producer], path, consumer, consumers[consumer], sent_before_ms)
        for producer in databases
        for consumer, path in databases.items()
    )


def release_jobs(databases: Iterable[Path]) -> int:
    """Give back what a process that is gone was working on, and return how many jobs that were.

    The attempt does not count: it was the process that was stopped, not the work that failed.
    """
    return sum(_release(path) for path in databases)


def _release(path: Path) -> int:
    statement = """
        UPDATE jobs SET status = 'ready', attempts = max(0, attempts - 1),
            lease_token = lease_token + 1, lease_until_ms = NULL
        WHERE status = 'running'
    """
    with closing(sqlite3.connect(path, timeout=30, isolation_level=None)) as connection:
        return connection.execute(statement).rowcount


def _resend(
    producer: Path, inbox: Path, consumer: str, topics: Sequence[str], sent_before_ms: int | None
) -> int:
    marks = ", ".join("?" for _ in topics)
    # Only question marks are put in; every value is a parameter.
    statement = f"""
        UPDATE events SET sent_at_ms = NULL
        WHERE sent_at_ms IS NOT NULL AND topic IN ({marks})
          AND event_id NOT IN (SELECT event_id FROM other.inbox WHERE consumer = ?)
    """  # noqa: S608
    arguments: list[object] = [*topics, consumer]
    if sent_before_ms is not None:
        statement += "AND sent_at_ms < ? AND id > (SELECT max(id) FROM events) - ?"
        arguments += [sent_before_ms, RECENT_EVENTS]
    with closing(sqlite3.connect(producer, timeout=30, isolation_level=None)) as connection:
        if producer == inbox:
            statement = statement.replace("other.inbox", "inbox")
        else:
            connection.execute("ATTACH DATABASE ? AS other", (str(inbox),))
        return connection.execute(statement, arguments).rowcount
