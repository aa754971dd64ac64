"""The world around a deployment: mail server, webhook receiver, speech server, web page, collector.

Each of the web servers has a gate. While it is shut, requests are taken and not answered, so that a
test finds a service in the middle of its work.
"""

import io
import json
import threading
import wave
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import numpy as np
from aiosmtpd.controller import Controller
from standardwebhooks import Webhook

from libs.common.testing.processes import free_ports

SECRET = "whsec_bGVjdGVybi1hY2NlcHRhbmNlLXRlc3RzLTMyLWJ5dGVzIQ=="
PUBLIC_URL = "https://lectern.example"
RATE_HZ = 24_000
SECONDS_PER_CHARACTER = 0.02
GATES = ("speech", "hook", "page")
LONGEST_HOLD_S = 60.0


class Gate:
    """Open by default."""

    def __init__(self) -> None:
        self._open = threading.Event()
        self._open.set()
        self._somebody = threading.Semaphore(0)

    @contextmanager
    def shut(self) -> Iterator[None]:
        """Hold everybody who comes while the block runs."""
        while self._somebody.acquire(blocking=False):
            pass
        self._open.clear()
        try:
            yield
        finally:
            self._open.set()

    def wait_for_somebody(self, timeout_s: float = 30) -> None:
        """Return when a request is being held."""
        assert self._somebody.acquire(timeout=timeout_s), "nobody came to the gate"

    def go_through(self) -> None:
        """What a request does."""
        if not self._open.is_set():
            self._somebody.release()
            self._open.wait(LONGEST_HOLD_S)


@dataclass(frozen=True)
class Hook:
    """One delivery that arrived, its signature verified."""

    webhook_id: str
    type: str
    body: bytes

    @property
    def data(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.body)["data"]
        return found


@dataclass(kw_only=True)
class Outside:
    """Where services find the world, and what they did there."""

    port: int = 0
    smtp_port: int = 0
    gates: dict[str, Gate] = field(default_factory=lambda: {name: Gate() for name in GATES})
    hooks: list[Hook] = field(default_factory=list)
    mails: list[EmailMessage] = field(default_factory=list)
    spoken: list[str] = field(default_factory=list)
    pages: dict[str, str] = field(default_factory=dict)
    refused: list[str] = field(default_factory=list)
    spans: list[bytes] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def environment(self) -> dict[str, str]:
        """What the services must be told to find it."""
        return {
            "LECTERN_OTLP_ENDPOINT": self.url,
            "SYNTH_ENGINES": "espeak,openai",
            "SYNTH_OPENAI_BASE_URL": f"{self.url}/v1",
            "SYNTH_OPENAI_VOICES": "nova",
            "INGEST_URL_ALLOW_PRIVATE": "true",
            "INGEST_URL_TIMEOUT_SECONDS": str(LONGEST_HOLD_S),
            "NOTIFIER_WEBHOOKS": f"{self.url}/hook {SECRET}",
            "NOTIFIER_WEBHOOK_TIMEOUT_SECONDS": str(LONGEST_HOLD_S),
            "NOTIFIER_SMTP_HOST": "127.0.0.1",
            "NOTIFIER_SMTP_PORT": str(self.smtp_port),
            "NOTIFIER_SMTP_SECURITY": "none",
            "NOTIFIER_MAIL_FROM": "Lectern <lectern@example.org>",
            "NOTIFIER_MAIL_TO": "reader@example.org",
            "NOTIFIER_PUBLIC_URL": PUBLIC_URL,
            "LECTERN_MAIL_LINK_KEY": "a key for journeys of thirty-two characters",
            "NOTIFIER_MAIL_EVENTS": "audiobook.ready,document.rejected",
        }

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:
        message = message_from_bytes(envelope.content, policy=default)
        assert isinstance(message, EmailMessage)
        self.mails.append(message)
        return "250 OK"


@contextmanager
def outside() -> Iterator[Outside]:
    world = Outside()
    (world.smtp_port,) = free_ports(1)
    mail = Controller(world, hostname="127.0.0.1", port=world.smtp_port)
    mail.start()
    http = ThreadingHTTPServer(("127.0.0.1", 0), _handler(world))
    http.daemon_threads = True
    world.port = http.server_port
    thread = threading.Thread(target=http.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield world
    finally:
        http.shutdown()
        thread.join()
        http.server_close()
        mail.stop()


def _handler(world: Outside) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            world.gates["page"].go_through()
            page = world.pages.get(self.path)
            self._answer(200 if page else 404, (page or "").encode(), "text/html; charset=utf-8")

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            if self.path == "/hook":
                self._hook(body)
            elif self.path == "/v1/traces":
                world.spans.append(body)
                self._answer(200, b"", "application/x-protobuf")
            else:
                text = json.loads(body)["input"]
                world.gates["speech"].go_through()
                world.spoken.append(text)
                self._answer(200, sound(text), "audio/wav")

        def _hook(self, body: bytes) -> None:
            headers = {name.lower(): value for name, value in self.headers.items()}
            told = Webhook(SECRET).verify(body, headers)
            world.hooks.append(Hook(headers["webhook-id"], told["type"], body))
            world.gates["hook"].go_through()
            self._answer(204, b"", "text/plain")

        def _answer(self, status: int, body: bytes, media_type: str) -> None:
            try:
                self.send_response(status)
                self.send_header("Content-Type", media_type)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)
            except OSError:  # whoever asked was killed meanwhile
                self.close_connection = True

        def log_message(self, *_: Any) -> None:
            pass

    return Handler


def sound(text: str) -> bytes:
    """A syllabic tone, as WAV, as long as the text deserves."""
    samples = round(RATE_HZ * SECONDS_PER_CHARACTER * max(10, len(text)))
    time = np.arange(samples) / RATE_HZ
    tone = np.sin(2 * np.pi * 220 * time) * (0.6 + 0.4 * np.sin(2 * np.pi * 4 * time)) * 8000
    buffer = io.BytesIO()
    with wave.open(buffer, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE_HZ)
        file.writeframes(tone.astype("<i2").tobytes())
    return buffer.getvalue()
