import subprocess

from lectern.generate.generated import publishers
from lectern.generate.kafka_acls import SETUP, Right, acl_script, rights
from lectern.service_catalog import consumers
from libs.common.contracts.audio import AudioReady
from libs.common.contracts.documents import PageSegmented


def test_a_service_writes_what_it_publishes_and_its_own_dead_letters_and_reads_the_rest():
    found = list(rights({"one": [AudioReady]}, {"one": [PageSegmented]}))
    written = ("audio.ready", "page.segmented.one.dlq")
    assert found[:3] == [
        Right(user="one", resource="topic", names=written, operations=("Write", "Describe")),
        Right(
            user="one",
            resource="topic",
            names=("page.segmented",),
            operations=("Read", "Describe"),
        ),
        Right(user="one", resource="group", names=("one",), operations=("Read",)),
    ]


def test_only_setup_makes_topics_and_only_synth_announces_audio():
    found = list(rights(publishers(), consumers()))
    assert {right.user for right in found if "Create" in right.operations} == {SETUP}
    writers = {r.user for r in found if "Write" in r.operations and "audio.ready" in r.names}
    assert writers == {"synth"}


def test_the_script_calls_the_tool_with_every_right(tmp_path):
    script = tmp_path / "acls.sh"
    script.write_text(acl_script(publishers(), consumers()))
    tool = tmp_path / "tool"
    tool.write_text('#!/bin/sh\necho "$@"\n')
    tool.chmod(0o755)
    done = subprocess.run(
        ["sh", script, "--bootstrap-server", "kafka:9093"],
        env={"KAFKA_ACLS": str(tool), "PATH": "/bin:/usr/bin"},
        capture_output=True,
        text=True,
        check=True,
    )
    calls = done.stdout.splitlines()
    assert len(calls) == len(list(rights(publishers(), consumers())))
    assert all(call.startswith("--bootstrap-server kafka:9093 --add --allow-") for call in calls)
    assert any(
        "User:synth --operation Write" in call and "--topic audio.ready" in call for call in calls
    )
    assert calls[-1].endswith("--topic *")
