"""The read model of narrations, and the pages that still wait to be spoken for them."""

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    Float,
    Index,
    Integer,
    String,
    Table,
    text,
)

from services.gateway.kernel.tables import ID, MOMENT, metadata

_IS_OPEN = text("requested_at IS NOT NULL AND ended_at IS NULL")

narrations = Table(
    "narrations",
    metadata,
    Column("narration_id", ID, primary_key=True),
    Column("document_id", ID, index=True),
    Column("owner_id", ID),
    Column("requested_by", ID),
    Column("requested_at", MOMENT),
    Column("pages", JSON),
    Column("engine", String(50)),
    Column("voice", String(200)),
    Column("rate", Float),
    Column("formats", JSON),
    Column("format_bits", Integer),
    Column("audiobook", String(10)),
    Column("ended_at", MOMENT),
    Column("ended_before_read", Boolean),
    Column("pages_missing", Integer),
    Column("missing", JSON),
    Column("page_count", Integer),
    Column("canceled_at", MOMENT),
    Index("ix_narrations_open", "owner_id", postgresql_where=_IS_OPEN, sqlite_where=_IS_OPEN),
)

narration_ranges = Table(
    "narration_ranges",
    metadata,
    Column("narration_id", ID, primary_key=True),
    Column("is_missing", Boolean, primary_key=True),
    Column("first", Integer, primary_key=True),
    Column("last", Integer, nullable=False),
)
"""The pages of narrations, for SQL: those that were asked for, and those that one ended without.

Every page is a range as well, to the largest number that a page may have.
"""

UNCUT, SPEAKABLE, REFUSED = "uncut", "speakable", "refused"
COSTS_NOTHING = text("state = 'speakable' AND cost = 0")
"""A page request whose page can be spoken without being counted; it has an index of its own."""

page_requests = Table(
    "page_requests",
    metadata,
    Column("narration_id", ID, primary_key=True),
    Column("page", Integer, primary_key=True),
    Column("document_id", ID, nullable=False, index=True),
    Column("owner_id", ID, nullable=False),
    Column("requested_at", MOMENT, nullable=False),
    Column("state", String(10), nullable=False),
    Column("cost", Integer, nullable=False),
    Index("ix_page_requests_turn", "owner_id", "state", "requested_at", "narration_id", "page"),
    Index(
        "ix_page_requests_without_cost",
        "owner_id",
        "requested_at",
        "narration_id",
        "page",
        postgresql_where=COSTS_NOTHING,
        sqlite_where=COSTS_NOTHING,
    ),
)
"""Pages that narrations still have to be given audio for; see ``planning/waiting.py``.

``state`` is UNCUT until the page can be spoken, SPEAKABLE when it waits for its turn only, and
REFUSED if the page has as many sounds as it may have: nobody waits for it then. ``cost`` is what
its characters take of the budget of a day: 0 if they were asked for before in that sound.
"""

daily_characters = Table(
    "daily_characters",
    metadata,
    Column("owner_id", ID, primary_key=True),
    Column("day", String(10), primary_key=True),
    Column("characters", BigInteger, nullable=False),
    Column("counted_at", MOMENT, nullable=False),
)
"""How many characters of an owner were asked for on a day (UTC), and when the last of them were."""
