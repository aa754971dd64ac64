"""Database and storage from settings."""

from libs.common.database.engine import Database
from libs.common.settings import CommonSettings, ServiceSettings
from libs.common.storage.build import open_storage
from libs.common.storage.port import Storage


def open_database(common: CommonSettings, settings: ServiceSettings) -> Database:
    """Return the service's database, connected when first used."""
    return Database(settings.database_url, common.database_pool_size)


def open_object_storage(common: CommonSettings) -> Storage:
    """Return the object storage, connected when first used."""
    return open_storage(
        common.storage_url,
        access_key_id=common.s3_access_key_id,
        secret_access_key=common.s3_secret_access_key,
    )
