"""Database and storage from settings."""

from libs.common.database.connection_limits import DatabaseLimits
from libs.common.database.engine import Database
from libs.common.settings import CommonSettings, ServiceSettings
from libs.common.storage.build import open_storage
from libs.common.storage.port import Storage


def open_database(common: CommonSettings, settings: ServiceSettings) -> Database:
    """Return the service's database, connected when first used."""
    limits = DatabaseLimits(
        lock_s=common.database_lock_timeout_seconds,
        statement_s=common.database_statement_timeout_seconds,
        idle_s=common.database_idle_timeout_seconds,
        answer_s=common.database_answer_timeout_seconds,
    )
    pooler = settings.database_pooler == "transaction"
    return Database(settings.database_url, common.database_pool_size, limits=limits, pooler=pooler)


def open_database_unhurried(settings: ServiceSettings) -> Database:
    """Return the service's database for commands of operators, which take as long as it takes."""
    pooler = settings.database_pooler == "transaction"
    return Database(settings.database_url, limits=DatabaseLimits().unhurried, pooler=pooler)


def open_object_storage(common: CommonSettings) -> Storage:
    """Return the object storage, connected when first used."""
    return open_storage(
        common.storage_url,
        access_key_id=common.s3_access_key_id,
        secret_access_key=common.s3_secret_access_key,
    )
