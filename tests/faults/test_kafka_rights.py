"""A broker that asks for certificates, passwords and rights: what services can do there.

TLS with certificates on both sides, SASL, and the rights of ``deploy/kafka/acls.sh``, on a real
broker.
"""

import asyncio
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from aiokafka import AIOKafkaConsumer
from aiokafka.errors import (
    GroupAuthorizationFailedError,
    NotLeaderForPartitionError,
    TopicAuthorizationFailedError,
)
from confluent_kafka.admin import AdminClient
from confluent_kafka.admin._acl import AclBinding, AclOperation, AclPermissionType
from confluent_kafka.admin._resource import ResourcePatternType, ResourceType

from lectern.generate.generated import publishers
from lectern.generate.kafka_acls import SETUP, rights
from lectern.service_catalog import SERVICES, consumers
from libs.common.kafka.broker import connection_security, missing_topics, producer
from libs.common.kafka.topic_specs import declared_topics
from libs.common.kafka.topics import create_topics
from libs.common.settings import CommonSettings
from libs.common.testing.native_kafka import NativeKafka
from libs.common.testing.processes import ServerMissing, free_ports

pytestmark = pytest.mark.slow

PASSWORD = "of-a-throw-away-broker"
USERS = [*(spec.name for spec in SERVICES), SETUP]
SECURED = """
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT,SECURED:SASL_SSL
authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer
super.users=User:ANONYMOUS
listener.name.secured.ssl.keystore.type=PEM
listener.name.secured.ssl.keystore.location={folder}/server.pem
listener.name.secured.ssl.truststore.type=PEM
listener.name.secured.ssl.truststore.location={folder}/ca.crt
listener.name.secured.ssl.client.auth=required
listener.name.secured.sasl.enabled.mechanisms=PLAIN
listener.name.secured.plain.sasl.jaas.config=\\
  org.apache.kafka.common.security.plain.PlainLoginModule required {users};
"""


class GuardedKafka(NativeKafka):
    """A broker with a second listener, which asks for all; on the first one, anybody rules."""

    def _write_settings(self, settings: Path) -> None:
        super()._write_settings(settings)
        (self.secured_port,) = free_ports(1)
        text = settings.read_text()
        for name in ("listeners", "advertised.listeners"):
            line = next(line for line in text.splitlines() if line.startswith(f"{name}="))
            text = text.replace(line, f"{line},SECURED://127.0.0.1:{self.secured_port}")
        users = " ".join(f'user_{user}="{PASSWORD}"' for user in USERS)
        settings.write_text(text + SECURED.format(folder=self.directory, users=users))


@dataclass(frozen=True)
class Guarded:
    folder: Path
    port: int

    def settings(self, user: str, **changed: object) -> CommonSettings:
        given = {
            "kafka_bootstrap_servers": f"127.0.0.1:{self.port}",
            "kafka_security_protocol": "SASL_SSL",
            "kafka_sasl_mechanism": "PLAIN",
            "kafka_sasl_username": user,
            "kafka_sasl_password": PASSWORD,
            "kafka_ca_file": self.folder / "ca.crt",
            "kafka_certificate_file": self.folder / "client.crt",
            "kafka_key_file": self.folder / "client.key",
            "storage_url": "file:///nowhere",
        }
        return CommonSettings(**(given | changed))  # type: ignore[arg-type]


def make_certificates(folder: Path) -> None:
    """An authority, and certificates by it for the broker and for clients."""

    def openssl(*arguments: str) -> None:
        subprocess.run(["openssl", *arguments], cwd=folder, check=True, capture_output=True)

    new = ("-newkey", "rsa:2048", "-nodes", "-days", "2")
    openssl("req", "-x509", *new, "-subj", "/CN=ca", "-keyout", "ca.key", "-out", "ca.crt")
    signed = ("-CA", "ca.crt", "-CAkey", "ca.key", "-addext", "subjectAltName=IP:127.0.0.1")
    for name in ("server", "client"):
        files = ("-keyout", f"{name}.key", "-out", f"{name}.crt")
        openssl("req", "-x509", *new, *signed, "-subj", f"/CN={name}", *files)
    pem = (folder / "server.key").read_text() + (folder / "server.crt").read_text()
    (folder / "server.pem").write_text(pem)


def grant(bootstrap: str) -> None:
    """Give the rights of the script by Kafka's own protocol."""
    admin = AdminClient({"bootstrap.servers": bootstrap})
    bindings = [
        AclBinding(
            ResourceType[right.resource.upper()],
            name,
            ResourcePatternType.LITERAL,
            f"User:{right.user}",
            "*",
            AclOperation[OPERATIONS[operation]],
            AclPermissionType.ALLOW,
        )
        for right in rights(publishers(), consumers())
        for name in right.names
        for operation in right.operations
    ]
    for made in admin.create_acls(list(set(bindings))).values():
        made.result(30)


OPERATIONS = {
    "Write": "WRITE",
    "Read": "READ",
    "Create": "CREATE",
    "Alter": "ALTER",
    "AlterConfigs": "ALTER_CONFIGS",
    "Describe": "DESCRIBE",
    "DescribeConfigs": "DESCRIBE_CONFIGS",
}


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Guarded]:
    folder = tmp_path_factory.mktemp("kafka")
    make_certificates(folder)
    kafka = GuardedKafka(folder)
    try:
        grant(kafka.start())
        yield Guarded(folder, kafka.secured_port)
    except ServerMissing as error:
        pytest.skip(str(error))
    finally:
        kafka.stop()


async def test_topics_are_made_by_setup_and_used_as_the_rights_say(guarded: Guarded) -> None:
    settings = guarded.settings(SETUP)
    specs = declared_topics(consumers(), partitions=1)
    made = await create_topics(
        settings.kafka_bootstrap_servers, specs, **connection_security(settings)
    )
    assert {outcome.action for outcome in made} == {"created"}
    everything = {spec.name for spec in specs}
    for spec in SERVICES:
        consumed = {event.topic for event in spec.consumes}
        written = {event.topic for event in publishers()[spec.name]}
        written |= {f"{topic}.{spec.name}.dlq" for topic in consumed}
        assert await writable(guarded.settings(spec.name), everything) == written
        assert await readable(guarded.settings(spec.name), spec.name, consumed) == len(consumed)


async def writable(settings: CommonSettings, topics: set[str]) -> set[str]:
    """Return the topics that a user can write to; each is tried."""
    sender = producer(settings)
    await sender.start()

    async def written(topic: str) -> bool:
        while True:
            try:
                await sender.send_and_wait(topic, b"x")
                return True
            except TopicAuthorizationFailedError:
                return False
            except NotLeaderForPartitionError:  # it was made just now
                await asyncio.sleep(0.1)

    try:
        names = sorted(topics)
        answers = await asyncio.gather(*map(written, names))
        done = {name for name, answer in zip(names, answers, strict=True) if answer}
        assert await missing_topics(sender, done) == []
        return done
    finally:
        await sender.stop()


async def readable(settings: CommonSettings, group: str, topics: set[str]) -> int:
    """Return of how many topics a user gets partitions, as a member of the group."""
    reader = AIOKafkaConsumer(
        *topics,
        bootstrap_servers=settings.kafka_bootstrap_servers,
        group_id=group,
        **connection_security(settings),
    )
    await reader.start()
    try:
        await reader.getmany(timeout_ms=2000)
        return len({partition.topic for partition in reader.assignment()})
    finally:
        await reader.stop()


async def test_the_groups_and_topics_of_others_are_refused(guarded: Guarded) -> None:
    settings = guarded.settings("segmenter")
    stranger = AIOKafkaConsumer(
        bootstrap_servers=settings.kafka_bootstrap_servers, **connection_security(settings)
    )
    await stranger.start()
    try:
        visible = await stranger.topics()
    finally:
        await stranger.stop()
    assert "page.segmented" in visible
    assert "audio.ready" not in visible
    intruder = AIOKafkaConsumer(
        "page.extracted",
        bootstrap_servers=settings.kafka_bootstrap_servers,
        group_id="gateway",
        **connection_security(settings),
    )
    with pytest.raises(GroupAuthorizationFailedError):
        await intruder.start()
    await intruder.stop()


async def test_a_client_without_a_certificate_gets_no_answer(guarded: Guarded) -> None:
    bare = guarded.settings("gateway", kafka_certificate_file=None, kafka_key_file=None)
    sender = producer(bare)
    with pytest.raises(Exception, match=r"KafkaConnectionError|Unable to bootstrap"):
        await sender.start()
    await sender.stop()
