from pathlib import Path

import numpy as np
import pytest

from libs.common.database.engine import Database
from libs.common.store.migrate import upgrade
from services import synth
from services.synth.audio.codecs.packets import Packets
from services.synth.audio.codecs.segment_file import SegmentFile, dump


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request, tmp_path):
    """An empty database of either kind."""
    if request.param == "sqlite":
        return f"sqlite+aiosqlite:///{tmp_path}/synth.db"
    return request.getfixturevalue("postgres_database")


@pytest.fixture
async def database(database_url):
    """The migrated database of synth, of either kind."""
    database = Database(database_url)
    await upgrade(database, Path(synth.__path__[0]) / "migrations")
    yield database
    await database.close()


@pytest.fixture
def file():
    """Make a segment file that holds some bytes."""

    def file(packet: bytes = b"packet", codec="aac"):
        return dump(
            SegmentFile(
                codec=codec,
                samples=1024,
                gain_db=0.0,
                words=(),
                energies=np.zeros(1, np.float32),
                packets=Packets.of([packet]),
            )
        )

    return file
