"""Settings of databases: where they are, and how long anything may take."""

from typing import Literal, Self

from pydantic import Field, field_validator, model_validator
from pydantic_settings import BaseSettings

DATABASES = ("postgresql+asyncpg://", "sqlite+aiosqlite://")


class DatabaseTimeouts(BaseSettings):
    """The limits of every connection of a service; its migrations have none but the third."""

    database_pool_size: int = Field(
        default=10, ge=1, description="PostgreSQL connections of one service process."
    )
    database_lock_timeout_seconds: float = Field(
        default=5, gt=0, description="Longest wait for a lock of PostgreSQL, migrations apart."
    )
    database_statement_timeout_seconds: float = Field(
        default=15, gt=0, description="Longest that a statement may take, migrations apart."
    )
    database_idle_timeout_seconds: float = Field(
        default=15,
        gt=0,
        description="PostgreSQL ends a transaction that did nothing for so long: its process "
        "is frozen or gone, and its locks are needed.",
    )
    database_answer_timeout_seconds: float = Field(
        default=20,
        gt=0,
        description="A connection is dropped when PostgreSQL says nothing for so long; longer "
        "than a statement may take.",
    )

    @model_validator(mode="after")
    def _server_gives_up_first(self) -> Self:
        if self.database_answer_timeout_seconds <= self.database_statement_timeout_seconds:
            raise ValueError(
                "LECTERN_DATABASE_ANSWER_TIMEOUT_SECONDS must be greater than "
                "LECTERN_DATABASE_STATEMENT_TIMEOUT_SECONDS"
            )
        return self


class DatabaseAddress(BaseSettings):
    """Where a service's own database is."""

    database_url: str = Field(
        min_length=1,
        repr=False,
        description="This service's own database, as SQLAlchemy writes it. May hold a password.",
        examples=["postgresql+asyncpg://user:password@host:5432/name"],
    )
    database_pooler: Literal["none", "transaction"] = Field(
        default="none",
        description="transaction if the database's address is that of a PgBouncer whose pool_mode "
        "is transaction.",
    )

    @field_validator("database_url")
    @classmethod
    def _names_a_database(cls, value: str) -> str:
        if not value.startswith(DATABASES):
            raise ValueError(f"it must begin with {' or '.join(DATABASES)}")
        return value
