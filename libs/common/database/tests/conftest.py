import pytest
from sqlalchemy.engine import make_url

from libs.common.testing.proxies.wire import Wire


@pytest.fixture
def wire(postgres_database):
    url = make_url(postgres_database)
    wire = Wire(url.host or "", url.port or 5432)
    wire.mend()
    yield wire
    wire.close()
