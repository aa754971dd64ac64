import asyncio
import socket
import stat
import tempfile

import pytest

from lectern.embedded_broker import EmbeddedBroker
from lectern.service_catalog import consumers
from lectern.standalone import (
    SECRET_BYTES,
    DataFolderInUse,
    DataFolderUnusable,
    Options,
    common_settings,
    data_folder_secret,
    running,
    service_settings,
)
from libs.common.kafka.fetching import FULL_AT
from libs.common.kafka.topic_specs import declared_topics
from libs.common.processing.capacity.backpressure import no_backlog
from libs.common.runtime.http_server import CannotListen
from libs.common.settings import load
from services.gateway.settings import Settings as GatewaySettings
from services.synth.settings import Settings as SynthSettings


async def test_a_data_folder_is_for_one_at_a_time_and_free_again_after(tmp_path):
    options = Options(data=tmp_path / "data")
    async with running(options) as first:
        with pytest.raises(DataFolderInUse, match="--data"):
            async with running(options):
                pass
        await first.until_ready()
        assert first.engines == {"espeak"}
        assert first.asked_to_stop
    async with running(options) as second:
        await second.until_ready()


async def test_temporary_files_live_in_the_data_folder_and_go_with_it(tmp_path):
    before = tempfile.gettempdir()
    left = tmp_path / "temporary" / "left-by-a-kill"
    left.mkdir(parents=True)
    async with running(Options(data=tmp_path)) as lectern:
        await lectern.until_ready()  # aiokafka leaves sockets open when it is stopped earlier
        assert not left.exists()
        with tempfile.TemporaryDirectory() as folder:
            assert folder.startswith(str(tmp_path))
    assert tempfile.gettempdir() == before
    assert not (tmp_path / "temporary").exists()


def test_a_data_folder_keeps_its_secret(tmp_path):
    one, other = tmp_path / "one", tmp_path / "other"
    one.mkdir()
    other.mkdir()
    secret = data_folder_secret(one)
    assert len(secret) == SECRET_BYTES
    assert data_folder_secret(one) == secret != data_folder_secret(other)
    [path] = one.iterdir()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


@pytest.mark.parametrize("left", ["secret", "secret.part"])
def test_a_secret_that_was_half_written_is_made_anew(tmp_path, left):
    (tmp_path / left).write_bytes(b"half")
    secret = data_folder_secret(tmp_path)
    assert len(secret) == SECRET_BYTES
    assert data_folder_secret(tmp_path) == secret
    [path] = tmp_path.iterdir()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


@pytest.mark.parametrize("left", [None, b"", bytes(SECRET_BYTES + 1)])
def test_a_secret_that_is_lost_with_its_ids_is_warned_of(tmp_path, caplog, left):
    data_folder_secret(tmp_path)
    (tmp_path / "gateway.db").touch()
    data_folder_secret(tmp_path)
    assert caplog.messages == []
    path = tmp_path / "secret"
    if left is None:
        path.unlink()
    else:
        path.write_bytes(left)
    data_folder_secret(tmp_path)
    [said] = caplog.messages
    assert str(path) in said


def test_a_secret_that_cannot_be_kept_is_said(tmp_path):
    (tmp_path / "secret").mkdir()
    with pytest.raises(DataFolderUnusable, match=r"cannot keep .*secret"):
        data_folder_secret(tmp_path)


async def test_a_folder_that_cannot_be_is_said(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(DataFolderUnusable, match="--data"):
        async with running(Options(data=tmp_path / "file" / "data")):
            pass


async def test_a_port_that_is_taken_is_said_and_nothing_stays_open(tmp_path):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(CannotListen, match=str(port)):
            async with running(Options(data=tmp_path, port=port)):
                pass
    async with running(Options(data=tmp_path)) as lectern:
        await lectern.until_ready()


def test_the_environment_cannot_point_standalone_elsewhere(tmp_path, monkeypatch):
    monkeypatch.setenv("LECTERN_KAFKA_BOOTSTRAP_SERVERS", "kafka.example.org:9092")
    monkeypatch.setenv("LECTERN_STORAGE_URL", "s3://bucket")
    monkeypatch.setenv("LECTERN_RELAY_BATCH_SIZE", "10000")
    found = common_settings(Options(data=tmp_path), "127.0.0.1:1")
    assert found.relay_batch_size < FULL_AT
    assert found.kafka_bootstrap_servers == "127.0.0.1:1"
    assert found.storage_url == (tmp_path / "objects").as_uri()


def test_what_one_person_listens_to_is_kept_and_shared(tmp_path):
    options = Options(data=tmp_path, settings={"synth": {"segment_cache_bytes": 10**9}})
    synth = load(SynthSettings, **service_settings(options, "synth"))
    assert synth.keep_all_segments
    assert synth.share_segments
    assert synth.segment_cache_bytes == 10**9
    deployed = SynthSettings(database_url=synth.database_url)
    assert not deployed.keep_all_segments
    assert not deployed.share_segments


async def test_documents_wait_in_ingest_while_events_of_any_service_do(tmp_path):
    async with running(Options(data=tmp_path)) as lectern:
        await lectern.until_ready()
        followed = {
            name
            for name, service in lectern.services.items()
            if service.backpressure.backlog is not no_backlog
        }
        assert followed == {"ingest"}
        backpressure = lectern.services["ingest"].backpressure
        async with asyncio.timeout(20):
            while backpressure.backlog():  # such as the voices, which synth announces
                await asyncio.sleep(0.01)
        backpressure.began("owner")
        assert not backpressure.waiting()


@pytest.mark.alone
@pytest.mark.timeout(20)
def test_the_embedded_broker_has_all_topics_at_once():
    """A lost wake-up used to cost a second for every seventh topic."""
    topics = {topic.name: topic.partitions for topic in declared_topics(consumers(), 1, 1)}
    for _ in range(10):
        with EmbeddedBroker(topics):
            pass


def test_one_person_has_no_daily_limit_unless_they_say_so(tmp_path, monkeypatch):
    def limit():
        settings = load(GatewaySettings, **service_settings(Options(data=tmp_path), "gateway"))
        return settings.max_characters_per_owner_and_day

    assert limit() == 0
    monkeypatch.setenv("GATEWAY_MAX_CHARACTERS_PER_OWNER_AND_DAY", "5000")
    assert limit() == 5000
