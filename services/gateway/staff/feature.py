"""What staff does, as the gateway registers it."""

from services.gateway.kernel.record import Feature
from services.gateway.staff.routes import router

STAFF = Feature(name="staff", api=(router,))
