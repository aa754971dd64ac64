import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from services.synth.engines.espeak import espeak_process, espeak_worker
from services.synth.engines.espeak.config import EspeakConfig


def talk(
    *messages: tuple[bytes, bytes], arguments: tuple[str, str] | None = None
) -> tuple[list[tuple[bytes, bytes]], int]:
    """Run the program on its own and return what it said and its exit code."""
    library, data = arguments or espeak_process.locate(EspeakConfig())
    asked = b"".join(
        espeak_worker.HEADER.pack(kind, len(payload)) + payload for kind, payload in messages
    )
    done = subprocess.run(
        [sys.executable, "-I", espeak_worker.__file__, library, data, "50", "50"],
        input=asked,
        capture_output=True,
        check=False,
    )
    return list(parse(done.stdout)), done.returncode


def parse(raw: bytes) -> Iterator[tuple[bytes, bytes]]:
    while raw:
        kind, size = espeak_worker.HEADER.unpack_from(raw)
        yield kind, raw[espeak_worker.HEADER.size :][:size]
        raw = raw[espeak_worker.HEADER.size + size :]


def request(voice: str, text: str, words_per_minute: int = 175) -> tuple[bytes, bytes]:
    name = voice.encode()
    return b"S", espeak_worker.REQUEST.pack(words_per_minute, len(name)) + name + text.encode()


def test_greets_and_ends_with_its_input():
    [(kind, payload)], code = talk()
    assert kind == b"H"
    assert json.loads(payload)["version"].startswith("1.")
    assert json.loads(payload)["sample_rate"] == 22_050
    assert code == 0


def test_sound_comes_and_then_words():
    text = "One word follows another, and another, until a second or two of sound has passed."
    [_, *answer], _ = talk(request("gmw/en-US", text))
    *sound, (last, pairs) = answer
    assert {kind for kind, _ in sound} == {b"A"}
    assert sum(len(payload) for _, payload in sound) > 3 * 22_050 * 2
    assert last == b"E"
    words = list(espeak_worker.PAIR.iter_unpack(pairs))
    assert words[0] == (0, 0)
    assert (words[1][0], text[4:8]) == (4, "word")


@pytest.mark.slow
def test_sound_is_sent_in_few_pieces_and_never_held_back_for_long():
    [_, *answer], _ = talk(
        request("gmw/en-US", "Yes."), request("gmw/en-US", "A sentence, said again. " * 60)
    )
    kinds = [kind for kind, _ in answer]
    assert kinds[:2] == [b"A", b"E"]
    *full, last, _ = [len(payload) for _, payload in answer[2:]]
    second = 22_050 * 2 + 2
    assert len(full) >= 4
    assert all(0 <= size - espeak_worker.SEND_BYTES < second for size in full)
    assert last < espeak_worker.SEND_BYTES + second


def test_an_unknown_voice_is_a_fault_and_the_next_request_is_served():
    [_, (kind, payload), *rest], code = talk(request("zz/nobody", "x"), request("gmw/de", "ja"))
    assert (kind, json.loads(payload)["code"]) == (b"F", "unknown_voice")
    assert rest[-1][0] == b"E"
    assert code == 0


def test_lists_voices_without_variants():
    [_, (kind, payload)], _ = talk((b"V", b""))
    listed = json.loads(payload)
    assert kind == b"L"
    assert len(listed) > 100
    assert ["English (America)", [[2, "en-us"], [3, "en"]], "gmw/en-US", "male"] in listed


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("/nowhere/lib.so", ""), "no_library"),
        ((espeak_process.locate(EspeakConfig())[0], "/nowhere/data"), None),
    ],
)
def test_a_bad_installation_is_told(arguments, code):
    answers, status = talk(arguments=arguments)
    if code:
        assert json.loads(answers[-1][1])["code"] == code
    assert status == 1


def test_imports_nothing_of_ours_and_names_its_license():
    source = Path(espeak_worker.__file__).read_text()
    assert "from services" not in source
    assert "from libs" not in source
    assert "GPL-3.0" in source
