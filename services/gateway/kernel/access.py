"""Rights on a document; what one may not see does not exist."""

from libs.common.contracts.permissions import Capability, Role, allows, sees
from services.gateway.kernel.errors import Forbidden, NotFound


def check_access(role: Role, capability: Capability, what: str) -> None:
    """Return if ``role`` has ``capability`` on something that is called ``what``.

    Raises:
        NotFound: The role may not even see it.
        Forbidden: The role may see it, but not that.
    """
    if not sees(role):
        raise NotFound(what)
    if not allows(role, capability):
        raise Forbidden(f"You may not do this: {capability}.")
