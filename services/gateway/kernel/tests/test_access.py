import pytest

from libs.common.contracts.permissions import Capability, Role
from services.gateway.kernel.access import check_access
from services.gateway.kernel.errors import Forbidden, NotFound


def test_what_one_may_do_is_done():
    check_access(Role.OWNER, Capability.DELETE_DOCUMENT, "document")


def test_what_one_may_see_but_not_do_is_forbidden():
    with pytest.raises(Forbidden, match="delete document"):
        check_access(Role.VIEW_ONLY, Capability.DELETE_DOCUMENT, "document")


@pytest.mark.parametrize("capability", list(Capability))
def test_what_one_may_not_see_is_not_found(capability):
    with pytest.raises(NotFound, match="no such page"):
        check_access(Role.STRANGER, capability, "page")
