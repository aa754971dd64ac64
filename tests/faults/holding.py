"""Holds a service at a known point: a piece of work is done and about to be committed."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from sqlalchemy import text

from libs.common.database.engine import Database
from tests.journeys.deployment import Deployment
from tests.journeys.person import until

LOCK = 4711
HELD_AT = {
    "gateway": ("audio.requested", 2),
    "ingest": ("page.extracted", 3),
    "segmenter": ("page.segmented", 2),
    "synth": ("audio.ready", 2),
    "notifier": ("notification.sent", 1),
}
"""For each service the event, and how many of them there are, in the middle of its work."""

FUNCTION = f"""
CREATE OR REPLACE FUNCTION hold_events() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.topic = TG_ARGV[0] AND nextval('events_seen') >= TG_ARGV[1]::int THEN
        PERFORM pg_advisory_xact_lock({LOCK});
    END IF;
    RETURN NEW;
END $$
"""


@dataclass
class Hold:
    """Whoever appends the event waits until the block ends; ``pid`` is our session's."""

    database: Database
    pid: int

    async def wait_for_somebody(self) -> None:
        """Return when a transaction is being held."""

        async def look() -> bool | None:
            async with self.database.reading() as connection:
                held = await connection.scalar(
                    text(
                        "SELECT count(*) FROM pg_locks "
                        "WHERE locktype = 'advisory' AND objid = :lock AND NOT granted"
                    ),
                    {"lock": LOCK},
                )
            return True if held else None

        await until(look, "a transaction to be held")


@asynccontextmanager
async def held(
    deployment: Deployment, service: str, at: tuple[str, int] | None = None
) -> AsyncIterator[Hold]:
    """Hold ``service`` in the middle of its work, or ``at`` an event, while the block runs."""
    topic, number = at or HELD_AT[service]
    database = deployment.database(service)
    trigger = (
        "CREATE TRIGGER hold_events BEFORE INSERT ON events "
        f"FOR EACH ROW EXECUTE FUNCTION hold_events('{topic}', '{number}')"
    )
    try:
        async with database.transaction() as connection:
            await connection.execute(text("CREATE SEQUENCE events_seen"))
            await connection.execute(text(FUNCTION))
            await connection.execute(text(trigger))
        async with database.transaction() as connection:
            taken = text("SELECT pg_backend_pid(), pg_advisory_xact_lock(:lock)")
            pid = (await connection.execute(taken, {"lock": LOCK})).one()[0]
            yield Hold(database, pid)
        async with database.transaction() as connection:
            await connection.execute(text("DROP TRIGGER hold_events ON events"))
            await connection.execute(text("DROP SEQUENCE events_seen"))
    finally:
        await database.close()
