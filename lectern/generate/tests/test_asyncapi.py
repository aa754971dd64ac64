"""The document against the essentials of AsyncAPI 3.0.0, written down here as checks."""

import re
from pathlib import Path

import pytest
from jsonschema import Draft7Validator  # type: ignore[import-untyped]

from lectern.generate.asyncapi import Sample, Services, asyncapi, key_of, read_samples
from libs.common.contracts.audio import AudioProgressed, AudioReady, VoicesAnnounced
from libs.common.contracts.base import DAY_MS
from libs.common.contracts.catalog import every_event
from libs.common.contracts.documents import DocumentSubmitted
from libs.common.contracts.tasks import TaskFailed

GOLDEN = Path(__file__).parents[3] / "docs" / "events" / "golden"
PUBLISHERS: Services = {
    "gateway": (DocumentSubmitted, TaskFailed),
    "synth": (AudioReady, AudioProgressed, TaskFailed),
}
CONSUMERS: Services = {"gateway": (AudioReady, AudioProgressed), "ingest": (DocumentSubmitted,)}

TOP_LEVEL = {
    *("asyncapi", "id", "info", "servers", "defaultContentType", "channels", "operations"),
    "components",
}
CHANNEL = {
    *("address", "messages", "title", "summary", "description", "servers", "parameters", "tags"),
    *("externalDocs", "bindings"),
}
OPERATION = {
    *("action", "channel", "title", "summary", "description", "security", "tags", "externalDocs"),
    *("bindings", "traits", "messages", "reply"),
}
MESSAGE = {
    *("headers", "payload", "correlationId", "contentType", "name", "title", "summary"),
    *("description", "tags", "externalDocs", "bindings", "examples", "traits"),
}
COMPONENT_NAME = re.compile(r"^[a-zA-Z0-9.\-_]+$")


@pytest.fixture(scope="module")
def document():
    return asyncapi("1.2.3", PUBLISHERS, CONSUMERS, read_samples(GOLDEN))


def follow(document, reference):
    """What a reference within the document names."""
    assert reference.startswith("#/")
    at = document
    for step in reference.removeprefix("#/").split("/"):
        at = at[step]
    return at


def references(node):
    if isinstance(node, dict):
        if "$ref" in node:
            yield node
        for inner in node.values():
            yield from references(inner)
    elif isinstance(node, list):
        for inner in node:
            yield from references(inner)


def validator(document, schema):
    """A draft 7 validator that knows the components."""
    return Draft7Validator(
        {**schema, "components": document["components"]},
        format_checker=Draft7Validator.FORMAT_CHECKER,
    )


def test_the_top_has_what_is_required_and_nothing_unknown(document):
    assert document["asyncapi"] == "3.0.0"
    assert set(document) <= TOP_LEVEL
    assert (document["info"]["title"], document["info"]["version"]) == ("Lectern events", "1.2.3")


def test_servers_name_host_protocol_and_the_variables_of_the_host(document):
    for server in document["servers"].values():
        assert server["protocol"] == "kafka"
        assert set(re.findall(r"{(\w+)}", server["host"])) == set(server["variables"])


def test_every_reference_leads_somewhere_and_stands_alone(document):
    found = list(references(document))
    assert found
    for reference in found:
        assert follow(document, reference["$ref"])
        assert set(reference) == {"$ref"}, "draft 7 ignores what stands beside a reference"


def test_names_of_components_are_allowed(document):
    for kind in document["components"].values():
        assert all(COMPONENT_NAME.match(name) for name in kind)


def test_every_event_is_a_channel_with_its_topic(document):
    assert list(document["channels"]) == [event.topic for event in every_event()]
    for event in every_event():
        channel = document["channels"][event.topic]
        assert set(channel) <= CHANNEL
        assert channel["address"] == event.topic
        kafka = channel["bindings"]["kafka"]
        assert kafka["bindingVersion"] == "0.5.0"
        assert (kafka["topic"], kafka["partitions"]) == (event.topic, event.partitions)
        config = kafka["topicConfiguration"]
        assert config == {"cleanup.policy": ["delete"], "retention.ms": event.retention_ms}
        (message,) = channel["messages"].values()
        assert follow(document, message["$ref"])["name"] == event.topic
    channels = document["channels"]
    progress = channels["audio.progressed"]["bindings"]["kafka"]["topicConfiguration"]
    assert progress["retention.ms"] == DAY_MS
    tags = {name: [tag["name"] for tag in channel["tags"]] for name, channel in channels.items()}
    assert [name for name, tagged in tags.items() if tagged == ["public"]] == [
        "audio.ready",
        "audiobook.ready",
    ]


def test_operations_are_what_services_publish_and_consume(document):
    operations = document["operations"]
    assert list(operations) == [
        "gatewaySendsDocumentSubmitted",
        "gatewaySendsTaskFailed",
        "synthSendsAudioReady",
        "synthSendsAudioProgressed",
        "synthSendsTaskFailed",
        "gatewayReceivesAudioReady",
        "gatewayReceivesAudioProgressed",
        "ingestReceivesDocumentSubmitted",
    ]
    for name, operation in operations.items():
        assert set(operation) <= OPERATION
        assert operation["action"] == ("send" if "Sends" in name else "receive")
        channel = operation["channel"]["$ref"]
        assert follow(document, channel) in document["channels"].values()
        for message in operation["messages"]:  # of the channel, not of the components
            assert message["$ref"].startswith(f"{channel}/messages/")
    group = operations["ingestReceivesDocumentSubmitted"]["bindings"]["kafka"]["groupId"]
    assert group == {"type": "string", "const": "ingest"}


@pytest.mark.parametrize("event", every_event(), ids=lambda event: event.topic)
def test_messages_have_schemas_that_their_examples_fit(document, event):
    message = document["components"]["messages"][event.__name__]
    assert set(message) <= MESSAGE
    assert message["contentType"] == "application/json; charset=utf-8"
    payload = validator(document, message["payload"])
    headers = validator(document, message["headers"])
    payload.check_schema(follow(document, message["payload"]["$ref"]))
    headers.check_schema(message["headers"])
    (example,) = message["examples"]
    assert set(example) == {"name", "headers", "payload"}
    payload.validate(example["payload"])
    headers.validate(example["headers"])
    assert not payload.is_valid({**example["payload"], "version": event.version + 1})
    assert not payload.is_valid({})
    assert not headers.is_valid({**example["headers"], "ce_type": "something.else"})
    assert not headers.is_valid({})


def test_descriptions_beside_references_are_kept(document):
    schema = document["components"]["schemas"]["AudioReady"]
    assert schema["properties"]["captions"] == {
        "description": "WebVTT.",
        "allOf": [{"$ref": "#/components/schemas/ObjectRef"}],
    }
    assert "$defs" not in schema
    assert "$schema" not in schema


def test_keys(document):
    assert key_of(AudioReady) == "`document_id`"
    assert key_of(VoicesAnnounced) == "`engine`"
    assert key_of(TaskFailed) == "`document_id`, else `task_id`"
    messages = document["components"]["messages"]
    key = messages["AudioReady"]["bindings"]["kafka"]["key"]
    assert (key["type"], key["format"]) == ("string", "uuid")
    assert "format" not in messages["VoicesAnnounced"]["bindings"]["kafka"]["key"]


def test_without_a_sample_there_is_no_example():
    document = asyncapi("0", PUBLISHERS, CONSUMERS, {})
    assert "examples" not in document["components"]["messages"]["AudioReady"]


def test_samples_are_read_by_topic_and_version(tmp_path):
    (tmp_path / "a.b").mkdir()
    (tmp_path / "a.b" / "v2.json").write_text(
        '{"key": "k", "headers": {"ce_id": "1"}, "value": {"name": "ü"}}', encoding="utf-8"
    )
    sample = read_samples(tmp_path)["a.b", 2]
    assert sample == Sample("k", {"ce_id": "1"}, {"name": "ü"})
    assert sample.raw == '{"name":"ü"}'.encode()
