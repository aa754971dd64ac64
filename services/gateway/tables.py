"""All tables of the gateway, as its features register them."""

from services.gateway.features import FEATURES
from services.gateway.kernel.tables import metadata

READ_MODELS = tuple(table for feature in FEATURES for table in feature.read_models)
TABLES = tuple(table for feature in FEATURES for table in feature.tables)

__all__ = ["READ_MODELS", "TABLES", "metadata"]
