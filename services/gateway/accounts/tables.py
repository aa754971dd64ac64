"""Users and their credentials: ordinary tables, for secrets never enter an event."""

from sqlalchemy import Boolean, Column, Index, String, Table, UniqueConstraint, column

from services.gateway.kernel.tables import ID, KEY, MOMENT, metadata

_IS_VERIFIED = column("verified_at").is_not(None)

users = Table(
    "users",
    metadata,
    Column("user_id", ID, primary_key=True),
    Column("created_at", MOMENT, nullable=False),
    Column("is_staff", Boolean, nullable=False),
    Column("disabled_at", MOMENT),
    Column("language", String(50)),
    Column("details_key", KEY),
)
"""Who has an account. An owner who has none has tokens that an operator made.

``details_key`` is the object that the last event with an address refers to."""

passwords = Table(
    "passwords",
    metadata,
    Column("user_id", ID, primary_key=True),
    Column("hash", String(200), nullable=False),
    Column("changed_at", MOMENT, nullable=False),
)
"""Argon2id, with its parameters. Who logs in elsewhere has none."""

sessions = Table(
    "sessions",
    metadata,
    Column("session_id", ID, primary_key=True),
    Column("sha256", String(64), nullable=False, unique=True),
    Column("user_id", ID, nullable=False, index=True),
    Column("agent", String(200), nullable=False),
    Column("created_at", MOMENT, nullable=False),
    Column("expires_at", MOMENT, nullable=False, index=True),
    Column("last_used_at", MOMENT, nullable=False),
)
"""Who is logged in, and with which browser, as it calls itself."""

mail_links = Table(
    "mail_links",
    metadata,
    Column("mail_id", ID, primary_key=True),
    Column("purpose", String(20), nullable=False),
    Column("user_id", ID, index=True),
    Column("address", String(320), nullable=False),
    Column("folded", String(320), nullable=False),
    Column("language", String(50), nullable=False),
    Column("password_hash", String(200)),
    Column("is_staff", Boolean, nullable=False),
    Column("created_at", MOMENT, nullable=False),
    Column("expires_at", MOMENT, nullable=False),
    Column("used_at", MOMENT),
    Index("ix_mail_links_folded", "folded", "purpose"),
)
"""What a link in a mail is good for; its secret is nowhere. Rows go when they expire."""

addresses = Table(
    "addresses",
    metadata,
    Column("address_id", ID, primary_key=True),
    Column("user_id", ID, nullable=False, index=True),
    Column("address", String(320), nullable=False),
    Column("folded", String(320), nullable=False),
    Column("is_primary", Boolean, nullable=False),
    Column("created_at", MOMENT, nullable=False),
    Column("verified_at", MOMENT),
    UniqueConstraint("user_id", "folded"),
    Index(
        "ix_addresses_verified",
        "folded",
        unique=True,
        postgresql_where=_IS_VERIFIED,
        sqlite_where=_IS_VERIFIED,
    ),
)
"""Mail addresses as they were given, and as they are compared. A verified one is one user's alone;
others may claim it, and prove it never."""

tokens = Table(
    "tokens",
    metadata,
    Column("token_id", ID, primary_key=True),
    Column("sha256", String(64), nullable=False, unique=True),
    Column("owner_id", ID, nullable=False),
    Column("name", String(100), nullable=False),
    Column("scopes", String(50), nullable=False),
    Column("created_at", MOMENT, nullable=False),
    Column("expires_at", MOMENT),
    Column("revoked_at", MOMENT),
    Column("last_used_at", MOMENT),
)
"""``scopes`` are names with spaces between them, as in RFC 6749, section 3.3."""

identities = Table(
    "identities",
    metadata,
    Column("identity_id", ID, primary_key=True),
    Column("issuer", String(255), nullable=False),
    Column("subject", String(255), nullable=False),
    Column("user_id", ID, nullable=False, index=True),
    Column("created_at", MOMENT, nullable=False),
    Column("last_used_at", MOMENT, nullable=False),
    UniqueConstraint("issuer", "subject"),
)
"""Accounts at other sites that people log in with: who it is there, and who that is here."""

login_flows = Table(
    "login_flows",
    metadata,
    Column("sha256", String(64), primary_key=True),
    Column("browser_sha256", String(64), nullable=False),
    Column("issuer", String(255), nullable=False),
    Column("code_verifier", String(128), nullable=False),
    Column("nonce", String(64), nullable=False),
    Column("user_id", ID, index=True),
    Column("is_remembered", Boolean, nullable=False),
    Column("return_path", String(500)),
    Column("expires_at", MOMENT, nullable=False, index=True),
)
"""Logins that other sites are asked for, by the digests of ``state`` and of the browser's cookie.

``user_id`` is who wants to link an identity; null: somebody logs in. Rows go when they are used,
and soon after they expire."""
