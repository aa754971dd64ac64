"""Starts the espeak-ng worker, speaks its protocol with deadlines, and ends it for certain."""

import importlib.util
import io
import json
import selectors
import subprocess
import sys
import time
import weakref
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from libs.common.errors import Unavailable
from services.synth.engines.espeak import espeak_worker
from services.synth.engines.espeak.config import EspeakConfig
from services.synth.engines.espeak.voice_book import RawVoice
from services.synth.engines.port import EngineBroken

_WORKER = Path(espeak_worker.__file__)
_LIBRARY_NAMES = {"darwin": "libespeak-ng.dylib", "win32": "espeak-ng.dll"}
_PIPE_BYTES = 1 << 20  # what Linux lets anyone have; room for what is said in one go
_START_TIMEOUT_S = 30.0
_STOP_TIMEOUT_S = 2.0


class WorkerDied(Exception):
    """The worker ended in the middle of a call; start another."""


class WorkerFault(Exception):
    """The worker refused a request; it can be asked again."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


@dataclass(frozen=True, eq=False)
class RawSpeech:
    """What the library said: int16 PCM, and (offset, sample) of its words as they came."""

    pcm: NDArray[np.int16]
    words: tuple[tuple[int, int], ...]


class EspeakProcess:
    """One running worker. Not for two threads at once."""

    def __init__(self, config: EspeakConfig) -> None:
        library, data = locate(config)
        self._timeout_s = config.timeout_s
        self._process = subprocess.Popen(
            [
                *(sys.executable, "-I", str(_WORKER), library, data),
                *(str(config.pitch), str(config.pitch_range)),
            ],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            bufsize=0,
        )
        assert isinstance(self._process.stdout, io.FileIO)  # noqa: S101 - tells the type checker
        self._answers = self._process.stdout
        self._arrival = selectors.DefaultSelector()
        self._arrival.register(self._answers, selectors.EVENT_READ)
        self._stop = weakref.finalize(self, _end, self._process, self._arrival)
        _widen(self._answers)
        hello = self._greet()
        self.version = str(hello["version"])
        self.sample_rate = int(hello["sample_rate"])

    @property
    def pid(self) -> int:
        """Process id of the worker."""
        return self._process.pid

    @property
    def ended(self) -> bool:
        """Whether it was closed, by us or because it died or took too long."""
        return not self._stop.alive

    def _greet(self) -> dict[str, Any]:
        try:
            _, payload = self._receive(time.monotonic() + _START_TIMEOUT_S)
        except WorkerFault as fault:
            self.close()
            raise EngineBroken(f"espeak-ng cannot start: {fault}") from fault
        except WorkerDied as died:
            raise EngineBroken("espeak-ng cannot start: its worker ended at once") from died
        hello: dict[str, Any] = json.loads(payload)
        return hello

    def voices(self) -> list[RawVoice]:
        """List the voices.

        Raises:
            WorkerDied: The worker ended.
            Unavailable: It did not answer in time.
        """
        self._send(b"V", b"")
        _, payload = self._receive(time.monotonic() + self._timeout_s)
        return [RawVoice(*record) for record in json.loads(payload)]

    def speak(self, identifier: str, words_per_minute: int, text: str) -> RawSpeech:
        """Speak one piece of text.

        Raises:
            WorkerDied: The worker ended.
            WorkerFault: It refused the voice, the rate or the text.
            Unavailable: It did not finish in time, and was ended.
        """
        deadline = time.monotonic() + self._timeout_s
        voice = identifier.encode()
        head = espeak_worker.REQUEST.pack(words_per_minute, len(voice))
        self._send(b"S", head + voice + text.encode())
        sound: list[bytearray] = []
        while True:
            kind, payload = self._receive(deadline)
            if kind == b"E":
                break
            sound.append(payload)
        words = tuple(espeak_worker.PAIR.iter_unpack(payload))
        whole = sound[0] if len(sound) == 1 else b"".join(sound)
        return RawSpeech(np.frombuffer(whole, dtype=np.int16), words)

    def close(self) -> None:
        """End the worker and wait for it. May be called again."""
        self._stop()

    def _send(self, kind: bytes, payload: bytes) -> None:
        assert self._process.stdin is not None  # noqa: S101 - tells the type checker of PIPE
        try:
            espeak_worker.send(self._process.stdin, kind, payload)  # type: ignore[arg-type]
        except (BrokenPipeError, ValueError) as error:
            self.close()
            raise WorkerDied from error

    def _receive(self, deadline: float) -> tuple[bytes, bytearray]:
        kind, size = espeak_worker.HEADER.unpack(self._read(espeak_worker.HEADER.size, deadline))
        payload = self._read(size, deadline)
        if kind == b"F":
            fault = json.loads(payload)
            raise WorkerFault(fault["code"], fault["message"])
        return kind, payload

    def _read(self, size: int, deadline: float) -> bytearray:
        taken = bytearray(size)
        missing = memoryview(taken)
        while missing:
            if not self._arrival.select(max(0.0, deadline - time.monotonic())):
                self.close()
                raise Unavailable(f"espeak-ng did not finish within {self._timeout_s:g} s")
            arrived = self._answers.readinto(missing)
            if not arrived:
                self.close()
                raise WorkerDied
            missing = missing[arrived:]
        return taken


def _widen(pipe: io.FileIO) -> None:
    """Make room for a whole answer, where that can be done: each refill costs two switches."""
    with suppress(ImportError, AttributeError, OSError):
        import fcntl

        fcntl.fcntl(pipe, fcntl.F_SETPIPE_SZ, _PIPE_BYTES)


def locate(config: EspeakConfig) -> tuple[str, str]:
    """Paths of the library and of its data folder, "" for the library's own choice.

    Raises:
        EngineBroken: No library is configured and espeakng-loader is not installed.
    """
    if config.library:
        return config.library, config.data or ""
    # Found, not imported: what it loads must not come into this process.
    package = importlib.util.find_spec("espeakng_loader")
    if package is None or package.origin is None:
        raise EngineBroken("espeak-ng is not installed; install the extra 'espeak'")
    folder = Path(package.origin).parent
    library = folder / _LIBRARY_NAMES.get(sys.platform, "libespeak-ng.so")
    return str(library), config.data or str(folder / "espeak-ng-data")


def _end(process: subprocess.Popen[bytes], arrival: selectors.BaseSelector) -> None:
    """Close the worker's input, which ends it; end it by force if it is busy."""
    arrival.close()
    for stream in (process.stdin, process.stdout):
        if stream is not None:
            stream.close()
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(_STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
