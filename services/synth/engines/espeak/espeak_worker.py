"""espeak-ng behind a pipe: a program of its own, started by file path, importing nothing of ours.

License note: espeak-ng is GPL-3.0-or-later. This process loads it; the rest of Lectern never does,
and talks to this program only over its standard input and output.

    python -I espeak_worker.py LIBRARY DATA_FOLDER PITCH PITCH_RANGE

LIBRARY is the shared library, DATA_FOLDER the folder ``espeak-ng-data`` or "" for its own choice.
Every message is a kind (one byte), the length of the rest (uint32, little endian) and the rest:

    in   V  (nothing)                                     list the voices
         S  words per minute, length of the voice (uint16 each), voice identifier, UTF-8 text
    out  H  JSON {"version", "sample_rate"}               once, when ready
         L  JSON [[name, [[priority, language tag], ...], identifier, gender], ...]
         A  int16 PCM in native byte order, any number of these
         E  (position, sample) pairs (uint32 each) of the words; ends an S
         F  JSON {"code", "message"}                      instead of H, L or E

Positions of words are code points from 0. The program ends when its input does.
"""

import ctypes as c
import json
import os
import signal
import struct
import sys
from pathlib import Path
from typing import Any, BinaryIO

HEADER = struct.Struct("<cI")
REQUEST = struct.Struct("<HH")
PAIR = struct.Struct("<II")

SYNCHRONOUS = 2  # AUDIO_OUTPUT_SYNCHRONOUS; mode 1 (retrieval) returns before there is any sound
BUFFER_MS = 1000  # another length moves the words by some samples
SEND_BYTES = 1 << 19  # every message costs both sides; few utterances are longer
DONT_EXIT = 0x8000  # espeakINITIALIZE_DONT_EXIT; without it a missing data folder calls exit()
UTF8 = 1  # espeakCHARS_UTF8 and no other flag: neither SSML (0x10) nor [[phonemes]] (0x100)
RATE, PITCH, PITCH_RANGE = 1, 3, 4
WORD_EVENT = 1
GENDERS = {1: "male", 2: "female"}


class EventId(c.Union):
    """The union in ``espeak_EVENT``."""

    _fields_ = (("number", c.c_int), ("name", c.c_char_p), ("string", c.c_char * 8))


class EspeakEvent(c.Structure):
    """``espeak_EVENT``; ``text_position`` counts characters from 1."""

    _fields_ = (
        ("type", c.c_int),
        ("unique_identifier", c.c_uint),
        ("text_position", c.c_int),
        ("length", c.c_int),
        ("audio_position", c.c_int),
        ("sample", c.c_int),
        ("user_data", c.c_void_p),
        ("id", EventId),
    )


class VoiceRecord(c.Structure):
    """``espeak_VOICE``; ``languages`` is a list of (priority byte, C string), ended by a 0."""

    _fields_ = (
        ("name", c.c_char_p),
        ("languages", c.c_void_p),
        ("identifier", c.c_char_p),
        ("gender", c.c_ubyte),
        ("age", c.c_ubyte),
        ("variant", c.c_ubyte),
        ("xx1", c.c_ubyte),
        ("score", c.c_int),
        ("spare", c.c_void_p),
    )


CALLBACK = c.CFUNCTYPE(c.c_int, c.c_void_p, c.c_int, c.POINTER(EspeakEvent))


class EspeakFault(Exception):
    """What goes back as an F message."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class Espeak:
    """The library, initialized, and the sink of what is being spoken."""

    def __init__(self, library: str, data: str, out: BinaryIO) -> None:
        self._out = out
        self._words: list[tuple[int, int]] = []
        self._sound: list[bytes] = []
        self._sound_bytes = 0
        self._broken: OSError | None = None
        self._settings: tuple[bytes, int] | None = None
        try:
            self._lib = c.CDLL(library)
        except OSError as error:
            raise EspeakFault("no_library", "the espeak-ng library cannot be loaded") from error
        self._declare()
        self.sample_rate = self._initialize(data)
        # The library keeps the pointer, so the callback has to live as long as it does.
        self._callback = CALLBACK(self._hear)
        self._lib.espeak_SetSynthCallback(self._callback)

    def _declare(self) -> None:
        lib = self._lib
        lib.espeak_Info.restype = c.c_char_p
        lib.espeak_ListVoices.restype = c.POINTER(c.POINTER(VoiceRecord))
        lib.espeak_Synth.argtypes = [
            *(c.c_char_p, c.c_size_t, c.c_uint, c.c_int, c.c_uint, c.c_uint),
            *(c.POINTER(c.c_uint), c.c_void_p),
        ]

    def _initialize(self, data: str) -> int:
        path = None
        if data:
            # The library keeps the path in 160 bytes, so give it a short one.
            folder = Path(data)
            os.chdir(folder.parent)
            path = os.fsencode(folder.name)
        rate = int(self._lib.espeak_Initialize(SYNCHRONOUS, BUFFER_MS, path, DONT_EXIT))
        if rate <= 0:
            raise EspeakFault("no_data", "espeak-ng does not find its data folder")
        return rate

    def version(self) -> str:
        """Such as 1.52.0."""
        info: bytes = self._lib.espeak_Info(None)
        return info.decode(errors="replace").split()[0]

    def configure(self, pitch: int, pitch_range: int) -> None:
        """Set what stays the same for the life of the process, each 0 to 100."""
        for parameter, value in ((PITCH, pitch), (PITCH_RANGE, pitch_range)):
            if self._lib.espeak_SetParameter(parameter, value, 0):
                raise EspeakFault("bad_setting", "espeak-ng refuses the pitch")

    def voices(self) -> list[list[Any]]:
        """Name, language tags, identifier and gender of each voice but variants and MBROLA."""
        records = self._lib.espeak_ListVoices(None)
        found = []
        index = 0
        while records[index]:
            record = records[index].contents
            identifier = record.identifier.decode()
            if not identifier.startswith(("!v", "mb/")):
                name = record.name.decode(errors="replace").strip()
                tags = _languages(record.languages)
                found.append([name, tags, identifier, GENDERS.get(record.gender)])
            index += 1
        return found

    def speak(self, voice: bytes, words_per_minute: int, text: bytes) -> bytes:
        """Send the sound of ``text`` and return the payload of the E message."""
        if self._settings != (voice, words_per_minute):
            self._choose(voice, words_per_minute)
        self._words, self._sound, self._sound_bytes = [], [], 0
        encoded = text + b"\0"
        rc = self._lib.espeak_Synth(encoded, len(encoded), 0, 1, 0, UTF8, None, None)
        if self._broken:
            raise self._broken
        if rc:
            raise EspeakFault("refused", f"espeak-ng refuses the text with code {rc}")
        self._send_sound()
        return b"".join(PAIR.pack(*word) for word in self._words)

    def _choose(self, voice: bytes, words_per_minute: int) -> None:
        self._settings = None
        # It answers 2 and then speaks garbage with whatever was loaded, so its code matters.
        if self._lib.espeak_SetVoiceByName(voice):
            raise EspeakFault("unknown_voice", "espeak-ng does not know the voice")
        if self._lib.espeak_SetParameter(RATE, words_per_minute, 0):
            raise EspeakFault("bad_setting", "espeak-ng refuses the rate")
        self._settings = (voice, words_per_minute)

    def _hear(self, wave: int | None, samples: int, events: Any) -> int:
        """Take sound and events from the library; anything but 0 makes it stop."""
        try:
            if wave and samples > 0:
                self._sound.append(c.string_at(wave, samples * 2))
                self._sound_bytes += samples * 2
                if self._sound_bytes >= SEND_BYTES:
                    self._send_sound()
        except OSError as error:
            self._broken = error
            return 1
        index = 0
        while kind := events[index].type:
            event = events[index]
            if kind == WORD_EVENT:
                self._words.append((max(event.text_position - 1, 0), max(event.sample, 0)))
            index += 1
        return 0

    def _send_sound(self) -> None:
        if self._sound:
            write(self._out, b"".join((HEADER.pack(b"A", self._sound_bytes), *self._sound)))
        self._sound, self._sound_bytes = [], 0


def _languages(address: int | None) -> list[tuple[int, str]]:
    tagged: list[tuple[int, str]] = []
    while address and (priority := c.string_at(address, 1)[0]):
        tag = c.string_at(address + 1)
        tagged.append((priority, tag.decode()))
        address += 2 + len(tag)
    return tagged


def send(out: BinaryIO, kind: bytes, payload: bytes) -> None:
    """Write one message, whole."""
    write(out, HEADER.pack(kind, len(payload)) + payload)


def write(out: BinaryIO, message: bytes) -> None:
    """Write what is a message already, whole."""
    rest = memoryview(message)
    while rest:
        rest = rest[out.write(rest) :]


def receive(source: BinaryIO) -> tuple[bytes, bytes] | None:
    """Read one message; None at the end of the input."""
    header = source.read(HEADER.size)
    if len(header) < HEADER.size:
        return None
    kind, size = HEADER.unpack(header)
    payload = source.read(size)
    return (kind, payload) if len(payload) == size else None


def answer(espeak: Espeak, kind: bytes, payload: bytes) -> tuple[bytes, bytes]:
    """Do what a message asks; returns the message that ends the answer."""
    if kind == b"V":
        return b"L", json.dumps(espeak.voices()).encode()
    words_per_minute, size = REQUEST.unpack_from(payload)
    voice = payload[REQUEST.size : REQUEST.size + size]
    text = payload[REQUEST.size + size :]
    return b"E", espeak.speak(voice, words_per_minute, text)


def serve(espeak: Espeak, source: BinaryIO, out: BinaryIO) -> None:
    """Answer until the input ends."""
    hello = {"version": espeak.version(), "sample_rate": espeak.sample_rate}
    send(out, b"H", json.dumps(hello).encode())
    while message := receive(source):
        try:
            send(out, *answer(espeak, *message))
        except EspeakFault as fault:
            send_fault(out, fault)


def send_fault(out: BinaryIO, fault: EspeakFault) -> None:
    """Tell what went wrong."""
    send(out, b"F", json.dumps({"code": fault.code, "message": str(fault)}).encode())


def main(arguments: list[str]) -> int:
    """Run the program; 0 when the input ended, 1 when it could not start or be heard."""
    # Ctrl-C reaches the whole process group; it is the owner who decides when we end.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # What the library prints must not get between the messages.
    out = os.fdopen(os.dup(1), "wb", buffering=0)
    os.dup2(2, 1)
    library, data, pitch, pitch_range = arguments
    try:
        espeak = Espeak(library, data, out)
        espeak.configure(int(pitch), int(pitch_range))
        serve(espeak, sys.stdin.buffer, out)
    except EspeakFault as fault:
        send_fault(out, fault)
        return 1
    except BrokenPipeError:
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
