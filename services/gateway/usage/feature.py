"""Usage, as the gateway registers it."""

from services.gateway.kernel.record import Feature
from services.gateway.usage.routes import router

USAGE = Feature(name="usage", api=(router,))
