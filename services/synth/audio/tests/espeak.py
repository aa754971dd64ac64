"""Real speech for tests: espeak-ng through ctypes, in a process of its own."""

import json
import subprocess
import sys

import numpy as np
import pytest
from numpy.typing import NDArray

SPEAK = """
import ctypes, json, struct, sys
import espeakng_loader

request = json.load(sys.stdin)
library = ctypes.CDLL(espeakng_loader.get_library_path())
data = espeakng_loader.get_data_path().encode()
rate = library.espeak_Initialize(2, 1000, data, 0x8000)
heard = []
callback_type = ctypes.CFUNCTYPE(
    ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.c_void_p
)

def hear(samples, count, events):
    if samples and count > 0:
        heard.append(ctypes.string_at(samples, 2 * count))
    return 0

callback = callback_type(hear)
library.espeak_SetSynthCallback(callback)
if library.espeak_SetVoiceByName(request["voice"].encode()):
    sys.exit("no such voice")
sys.stdout.buffer.write(struct.pack("<i", rate))
for text in request["texts"]:
    heard.clear()
    raw = text.encode() + b"\\0"
    library.espeak_Synth(raw, ctypes.c_size_t(len(raw)), 0, 1, 0, 1, None, None)
    pcm = b"".join(heard)
    sys.stdout.buffer.write(struct.pack("<i", len(pcm)) + pcm)
"""


def speak(voice: str, texts: list[str]) -> tuple[int, list[NDArray[np.int16]]]:
    """Return the rate in Hz and the PCM of each text; skips where espeak-ng is not installed."""
    pytest.importorskip("espeakng_loader")
    request = json.dumps({"voice": voice, "texts": texts}).encode()
    raw = subprocess.run(
        [sys.executable, "-c", SPEAK], input=request, capture_output=True, check=True, timeout=60
    ).stdout
    rate, at, spoken = int.from_bytes(raw[:4], "little"), 4, []
    for _ in texts:
        size = int.from_bytes(raw[at : at + 4], "little")
        spoken.append(np.frombuffer(raw, np.int16, size // 2, at + 4))
        at += 4 + size
    return rate, spoken
