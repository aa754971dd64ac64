"""Local servers that answer like Amazon Polly and like OpenAI, with real sound."""

import io
import json
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from xml.etree import ElementTree

import numpy as np
import soundfile

TAG = re.compile(rb"<[^>]*>")
WORD = re.compile(rb"(?:&\w+;|[^\s<>.,!?;:()\"])+")
SECONDS_PER_CHARACTER = 0.06
LEAD_MS = 20


@dataclass
class Answer:
    """What a server says to one request."""

    status: int
    body: bytes
    headers: dict[str, str] = field(default_factory=dict)


@dataclass(kw_only=True)
class Server:
    """A running server: its address, what it was asked, and what it is to say next."""

    url: str = ""
    requests: list[tuple[str, dict[str, str], dict[str, Any]]] = field(default_factory=list)
    queued: list[Answer] = field(default_factory=list)
    voices: Answer | None = None


def tone(characters: int, rate: float, sample_rate: int) -> np.ndarray:
    """A sine as long as that many characters take to say, and 50 ms of silence."""
    samples = round(sample_rate * SECONDS_PER_CHARACTER * max(characters, 1) / rate)
    sine = np.sin(np.arange(samples) * 2 * np.pi * 220 / sample_rate) * 8000
    return np.concatenate([sine, np.zeros(sample_rate // 20)]).astype(np.int16)


def encoded(pcm: np.ndarray, sample_rate: int, container: str, subtype: str | None = None) -> bytes:
    buffer = io.BytesIO()
    soundfile.write(buffer, pcm, sample_rate, format=container, subtype=subtype)
    return buffer.getvalue()


@contextmanager
def serving(answer: Callable[[Server, str, dict[str, Any]], Answer]) -> Iterator[Server]:
    server = Server()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            self._reply({})

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            self._reply(json.loads(body))

        def _reply(self, body: dict[str, Any]) -> None:
            headers = {name.lower(): value for name, value in self.headers.items()}
            server.requests.append((f"{self.command} {self.path}", headers, body))
            reply = server.queued.pop(0) if server.queued else answer(server, self.path, body)
            self.send_response(reply.status)
            for name, value in reply.headers.items():
                self.send_header(name, value)
            if "Content-Length" not in reply.headers:
                self.send_header("Content-Length", str(len(reply.body)))
            self.send_header("Connection", "close")
            self.end_headers()
            self.wfile.write(reply.body)

        def log_message(self, *_: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as http:
        http.daemon_threads = True
        thread = threading.Thread(target=http.serve_forever, args=(0.02,))
        thread.start()
        server.url = f"http://127.0.0.1:{http.server_port}"
        try:
            yield server
        finally:
            http.shutdown()
            thread.join()


def aws_error(status: int, code: str, message: str = "") -> Answer:
    """The shape of a REST-JSON error of AWS."""
    body = json.dumps({"message": message}).encode()
    return Answer(status, body, {"x-amzn-ErrorType": code, "Content-Type": "application/json"})


POLLY_VOICES = (
    ("Joanna", "en-US", "Female"),
    ("Matthew", "en-US", "Male"),
    ("Amy", "en-GB", "Female"),
    ("Gwyneth", "en-GB-WLS", "Female"),
    ("Vicki", "de-DE", "Female"),
    ("Zhiyu", "cmn-CN", "Female"),
)


def polly(server: Server, path: str, body: dict[str, Any]) -> Answer:
    """Answer as Polly does (API_SynthesizeSpeech, API_DescribeVoices)."""
    if path.startswith("/v1/voices"):
        return server.voices or _polly_voices(path)
    if body["VoiceId"] not in {name for name, *_ in POLLY_VOICES}:
        message = f"Value '{body['VoiceId']}' at 'voiceId' failed to satisfy constraint"
        return aws_error(400, "ValidationException", message)
    try:
        spoken, rate = _read_polly(body)
    except ElementTree.ParseError:
        return aws_error(400, "InvalidSsmlException", "Invalid SSML request")
    if len(spoken) > 3000 or len(body["Text"]) > 6000:
        return aws_error(400, "TextLengthExceededException", "Maximum text length exceeded")
    if body["OutputFormat"] == "json":
        marks = _polly_marks(body["Text"].encode(), len(spoken.encode()), rate)
        return Answer(200, marks, {"Content-Type": "application/x-json-stream"})
    sample_rate = int(body["SampleRate"])
    pcm = tone(len(spoken), rate, sample_rate)
    if body["OutputFormat"] == "pcm":
        return Answer(200, pcm.tobytes(), {"Content-Type": "audio/pcm"})
    return Answer(200, encoded(pcm, sample_rate, "OGG", "VORBIS"), {"Content-Type": "audio/ogg"})


def _polly_voices(path: str) -> Answer:
    first = "NextToken" not in path
    page = POLLY_VOICES[:3] if first else POLLY_VOICES[3:]
    listed = [
        {"Id": name, "Name": name, "LanguageCode": code, "LanguageName": code, "Gender": gender}
        for name, code, gender in page
    ]
    body = {"Voices": listed, **({"NextToken": "more"} if first else {})}
    return Answer(200, json.dumps(body).encode(), {"Content-Type": "application/json"})


def _read_polly(body: dict[str, Any]) -> tuple[str, float]:
    if body["TextType"] != "ssml":
        return body["Text"], 1.0
    root = ElementTree.fromstring(body["Text"])
    prosody = root.find("prosody")
    assert root.tag == "speak"
    assert prosody is not None
    percent = int(prosody.attrib["rate"].removesuffix("%"))
    assert 20 <= percent <= 200
    return "".join(root.itertext()), percent / 100


def _polly_marks(raw: bytes, spoken_bytes: int, rate: float) -> bytes:
    """Word marks with byte offsets into the input, tags included, as Polly counts."""
    untagged = TAG.sub(lambda match: b" " * len(match[0]), raw)
    lead = len(untagged) - len(untagged.lstrip())
    lines = [{"time": 0, "type": "sentence", "start": lead, "end": len(raw), "value": "..."}]
    for match in WORD.finditer(untagged):
        ms = LEAD_MS + (match.start() - lead) * 1000 * SECONDS_PER_CHARACTER / rate
        lines.append(
            {
                "time": round(ms * 0.5),
                "type": "word",
                "start": match.start(),
                "end": match.end(),
                "value": match[0].decode(),
            }
        )
    return b"\n".join(json.dumps(line).encode() for line in lines)


def openai(server: Server, path: str, body: dict[str, Any]) -> Answer:
    """Answer as ``POST /audio/speech`` does."""
    if path.endswith("/audio/voices"):
        return server.voices or Answer(404, b'{"detail": "Not Found"}')
    if len(body["input"]) > 4096:
        return Answer(400, b'{"error": {"code": "string_above_max_length"}}')
    pcm = tone(len(body["input"]), body["speed"], 24_000)
    form = body["response_format"]
    if form == "pcm":
        return Answer(200, pcm.tobytes(), {"Content-Type": "audio/pcm"})
    container = {"wav": "WAV", "flac": "FLAC", "mp3": "MP3"}[form]
    return Answer(200, encoded(pcm, 24_000, container), {"Content-Type": f"audio/{form}"})
