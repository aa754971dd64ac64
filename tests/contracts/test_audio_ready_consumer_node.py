"""The Node example as a process of its own, with a fake of kafkajs, which is no Python package.

The fake delivers the messages that it is given, and crashes as it is told, by the API of kafkajs 2.
"""

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "examples" / "audio_ready_consumer.mjs"
GOLDEN = ROOT / "docs" / "events" / "golden"
PATIENCE_S = 60

KAFKAJS = """
const { topic: expected, messages, crash } = JSON.parse(process.env.DELIVERED);

class Consumer {
  events = { CRASH: "consumer.crash" };
  listeners = new Map();

  on(name, listener) {
    this.listeners.set(name, listener);
  }
  async connect() {}
  async disconnect() {}
  pause() {}

  async subscribe({ topic, fromBeginning }) {
    if (topic !== expected || !fromBeginning) throw new Error(`subscribed to ${topic}`);
  }

  async run({ eachMessage }) {
    for (const [offset, { headers, value }] of messages.entries())
      await eachMessage({ partition: 0, message: { offset, headers, value: Buffer.from(value) } });
    if (!crash) return;
    const payload = { error: new Error(crash.message), restart: crash.restart };
    this.listeners.get("consumer.crash")?.({ payload });
  }
}

export const logLevel = { ERROR: 1 };
export class Kafka {
  consumer() {
    return new Consumer();
  }
}
"""


def golden(topic: str) -> dict[str, Any]:
    """A message as the fake delivers it."""
    found = json.loads((GOLDEN / topic / "v1.json").read_text())
    return {"headers": found["headers"], "value": json.dumps(found["value"])}


@pytest.fixture
def example(tmp_path: Path) -> Path:
    """The example, in a folder where kafkajs is found."""
    if shutil.which("node") is None:
        pytest.skip("no node on the PATH")
    package = tmp_path / "node_modules" / "kafkajs"
    package.mkdir(parents=True)
    (package / "package.json").write_text('{"type": "module", "exports": "./index.js"}')
    (package / "index.js").write_text(KAFKAJS)
    return Path(shutil.copy(EXAMPLE, tmp_path))


def run(
    example: Path,
    *messages: dict[str, Any],
    topic: str = "audio.ready",
    crash: dict[str, Any] | None = None,
) -> subprocess.CompletedProcess[str]:
    delivered = json.dumps({"topic": topic, "messages": messages, "crash": crash})
    return subprocess.run(
        [shutil.which("node") or "node", str(example), "broker:9092"],
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
        env={"TOPIC": topic, "DELIVERED": delivered},
    )


@pytest.mark.parametrize(
    ("topic", "says"),
    [
        (
            "audio.ready",
            "14.8 s, 213 characters, by espeak/en-gb; m4a 98,204 bytes, mp3 124,320 bytes",
        ),
        ("audiobook.ready", "39.2 s, 3 chapters; m4b 311,044 bytes"),
    ],
    ids=["page", "audiobook"],
)
def test_it_prints_an_event_once_with_its_headers(example, topic, says):
    message = golden(topic)
    done = run(example, message, message, topic=topic)
    lines = done.stdout.splitlines()
    assert (done.returncode, done.stderr) == (0, "")
    assert lines[0].startswith(message["headers"]["ce_time"])
    assert lines[0].endswith(says)
    assert lines[1:] == [f"    {name}: {value}" for name, value in message["headers"].items()]


def test_what_it_does_not_know_is_skipped_aloud(example):
    other, newer = golden("audio.failed"), golden("audio.ready")
    newer["value"] = json.dumps({**json.loads(newer["value"]), "version": 2})
    done = run(example, other, newer)
    assert (done.returncode, done.stdout) == (0, "")
    assert done.stderr.splitlines() == [
        "audio.ready[0] offset 0 skipped: it is audio.failed",
        "audio.ready[0] offset 1 skipped: version 2 is newer than this",
    ]


def test_a_crash_is_told_by_the_exit_code(example):
    """As when members of the group run another kind of client."""
    done = run(example, crash={"message": "protocols are incompatible", "restart": False})
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == "Kafka at broker:9092: protocols are incompatible\n"


def test_a_crash_after_which_kafkajs_goes_on_is_none(example):
    done = run(example, crash={"message": "the gateway answered 503", "restart": True})
    assert (done.returncode, done.stderr) == (0, "")
