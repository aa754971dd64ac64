import asyncio
import socket
import tempfile

import pytest

from lectern.data_folder import DataFolderInUse, DataFolderUnusable
from lectern.embedded_broker import EmbeddedBroker
from lectern.service_catalog import consumers
from lectern.standalone import (
    Options,
    common_settings,
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
    found = common_settings(Options(data=tmp_path), "127.0.0.1:1", bytes(32))
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


@pytest.mark.parametrize(
    ("public_url", "said", "secure"),
    [
        (None, None, False),
        ("http://box.example:8000", None, False),
        ("https://lectern.example", None, True),
        ("https://lectern.example", "false", False),
        (None, "true", True),
    ],
)
def test_cookies_are_for_https_where_there_is_some(tmp_path, monkeypatch, public_url, said, secure):
    for name, value in (("PUBLIC_URL", public_url), ("SECURE_COOKIES", said)):
        monkeypatch.delenv(f"GATEWAY_{name}", raising=False)
        if value is not None:
            monkeypatch.setenv(f"GATEWAY_{name}", value)
    settings = load(GatewaySettings, **service_settings(Options(data=tmp_path), "gateway"))
    assert settings.secure_cookies is secure


def test_one_person_has_no_daily_limit_unless_they_say_so(tmp_path, monkeypatch):
    def limit():
        settings = load(GatewaySettings, **service_settings(Options(data=tmp_path), "gateway"))
        return settings.max_characters_per_owner_and_day

    assert limit() == 0
    monkeypatch.setenv("GATEWAY_MAX_CHARACTERS_PER_OWNER_AND_DAY", "5000")
    assert limit() == 5000


def test_links_in_mails_are_made_with_the_secret_of_the_folder(tmp_path, monkeypatch):
    def key(secret):
        return common_settings(Options(data=tmp_path), "127.0.0.1:1", secret).mail_links

    assert key(bytes(32)) == key(bytes(32)) != key(bytes([1] * 32))
    monkeypatch.setenv("LECTERN_MAIL_LINK_KEY", "a key of the environment of 32 letters")
    assert key(bytes(32)) == key(bytes([1] * 32))


def test_links_in_mails_lead_to_this_machine_unless_the_environment_says_where(
    tmp_path, monkeypatch
):
    def leads_to(**more):
        return service_settings(Options(data=tmp_path, **more), "notifier").get("public_url")

    assert leads_to() is None
    assert leads_to(port=8000) == "http://127.0.0.1:8000"
    monkeypatch.setenv("NOTIFIER_PUBLIC_URL", "https://lectern.example.org")
    assert leads_to(port=8000) is None
