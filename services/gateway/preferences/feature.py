"""Preferences, as the gateway registers them."""

from services.gateway.kernel.record import Feature
from services.gateway.preferences.reactions import REACTIONS
from services.gateway.preferences.routes import router
from services.gateway.preferences.tables import preferences

PREFERENCES = Feature(name="preferences", reactions=REACTIONS, tables=(preferences,), api=(router,))
