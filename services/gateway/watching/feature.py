"""Watching, as the gateway registers it."""

from services.gateway.kernel.record import Feature
from services.gateway.kernel.tables import document_changes
from services.gateway.watching.routes import router

WATCHING = Feature(name="watching", tables=(document_changes,), api=(router,))
