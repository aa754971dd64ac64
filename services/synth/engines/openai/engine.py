"""The engine for any server that speaks OpenAI's ``POST /audio/speech``, over httpx."""

import json
import time
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import httpx
import numpy as np
from numpy.typing import NDArray

from libs.common.errors import Unavailable
from services.synth.engines import decode, words
from services.synth.engines.openai.config import OpenAIConfig
from services.synth.engines.openai.errors import explain
from services.synth.engines.port import EngineBroken, Speech, UnknownVoice, Voice, check_request

_REVISION = 1  # raise it when a change of ours changes the sound
_MAX_ANSWER_BYTES = 256 * 2**20
_OPENAI_VOICES = (
    *("alloy", "ash", "ballad", "coral", "echo", "fable"),
    *("nova", "onyx", "sage", "shimmer", "verse"),
)
_ANY_LANGUAGE = "mul"
# How servers say that they keep no list of voices.
_NO_LIST = frozenset({400, 404, 405, 422, 501})
_OK = 200
_IDENTITY = "identity"


class OpenAIEngine:
    """One model on one server."""

    name = "openai"
    max_characters = 4_096

    def __init__(self, config: OpenAIConfig) -> None:
        self._config = config
        self._connected: httpx.Client | None = None
        self._voices: tuple[Voice, ...] | None = None

    @property
    def fingerprint(self) -> str:
        """Server, model, instructions and format: all that changes the sound, and no key."""
        config = self._config
        settings = [_without_user(config.base_url), config.model, config.response_format]
        return f"openai/{_REVISION} " + json.dumps(
            [*settings, config.pcm_rate_hz, config.instructions]
        )

    def voices(self) -> tuple[Voice, ...]:
        """The configured voices, else what the server lists, else those of OpenAI.

        Raises:
            EngineDenied: The server does not accept our key.
            Throttled: The server asks us to slow down.
            Unavailable: The server did not answer.
        """
        if self._voices is None:
            ids = self._config.voices or self._listed() or _OPENAI_VOICES
            self._voices = tuple(
                Voice(
                    engine=self.name,
                    id=voice,
                    name=voice.replace("_", " ").title(),
                    language=_ANY_LANGUAGE,
                )
                for voice in ids
            )
        return self._voices

    def default_voice(self, language: str) -> str:
        """The first voice: each speaks whatever language it is given."""
        return self.voices()[0].id

    def speak(self, text: str, voice: str, rate: float) -> Speech:
        """See :class:`Engine`. There are no word marks."""
        check_request(self, text, rate)
        if all(known.id != voice for known in self.voices()):
            raise UnknownVoice(self.name, voice)
        clean = words.plain(text)
        if not words.can_be_heard(clean):
            rate_hz = self._config.pcm_rate_hz
            return Speech(words.silence(rate_hz), rate_hz)
        pcm, sample_rate = self._sound(clean, voice, rate)
        return Speech(words.trim_end(pcm, sample_rate), sample_rate)

    def close(self) -> None:
        """Close the connections."""
        if self._connected is not None:
            self._connected.close()
            self._connected = None

    def _sound(self, text: str, voice: str, rate: float) -> tuple[NDArray[np.int16], int]:
        body: dict[str, Any] = {
            "model": self._config.model,
            "input": text,
            "voice": voice,
            "response_format": self._config.response_format,
            "speed": rate,
        }
        if self._config.instructions:
            body["instructions"] = self._config.instructions
        status, headers, data = self._exchange("POST", "/audio/speech", body)
        media_type = headers.get("content-type", "")
        if status != _OK:
            raise explain(status, headers, data)
        if media_type.startswith(("text/", "application/json")):
            raise EngineBroken("the speech server answers with text instead of audio")
        pcm, sample_rate = decode.decode(data, media_type, self._config.pcm_rate_hz)
        if not len(pcm):
            raise Unavailable("the speech server answered without sound")
        return pcm, sample_rate

    def _listed(self) -> tuple[str, ...]:
        status, headers, data = self._exchange("GET", "/audio/voices", None)
        if status in _NO_LIST:
            return ()
        if status != _OK:
            raise explain(status, headers, data)
        return _voice_ids(data)

    def _exchange(
        self, method: str, path: str, body: dict[str, Any] | None
    ) -> tuple[int, httpx.Headers, bytes]:
        """Send a request and read the whole answer, within the time and size allowed."""
        deadline = time.monotonic() + self._config.total_timeout_s
        received = bytearray()
        try:
            with self._client().stream(method, self._url(path), json=body) as answer:
                if answer.headers.get("content-encoding", _IDENTITY) != _IDENTITY:
                    # A list of codings unpacks to gigabytes before the first chunk can be counted.
                    raise EngineBroken("the speech server packs its answers, unasked")
                for chunk in answer.iter_raw():
                    received += chunk
                    if time.monotonic() > deadline:
                        raise Unavailable("the speech server takes too long")
                    if len(received) > _MAX_ANSWER_BYTES:
                        raise EngineBroken("the speech server answers without an end")
                return answer.status_code, answer.headers, bytes(received)
        except (httpx.InvalidURL, httpx.UnsupportedProtocol):
            raise EngineBroken("the address of the speech server is not a web address") from None
        except httpx.HTTPError as error:
            # Its message may hold the address, and the address a password.
            raise Unavailable(
                f"no answer from the speech server ({type(error).__name__})"
            ) from None

    def _url(self, path: str) -> str:
        return self._config.base_url.rstrip("/") + path

    def _client(self) -> httpx.Client:
        if self._connected is None:
            config = self._config
            api_key = (config.api_key or "").strip()  # files with secrets end in a new line
            if not api_key.isascii() or not api_key.isprintable():
                raise EngineBroken("the key of the speech server holds characters that no key has")
            key = {"Authorization": f"Bearer {api_key}"} if api_key else {}
            self._connected = httpx.Client(
                headers={"Accept-Encoding": _IDENTITY, **key},
                timeout=httpx.Timeout(config.read_timeout_s, connect=config.connect_timeout_s),
            )
        return self._connected


def _voice_ids(data: bytes) -> tuple[str, ...]:
    """Read the lists that servers answer with: ids, or objects with an id or a name."""
    try:
        found = json.loads(data)
    except ValueError:
        return ()
    if isinstance(found, dict):
        found = found.get("voices") or found.get("data") or []
    entries = found if isinstance(found, list) else []
    ids = (
        (entry.get("id") or entry.get("voice_id") or entry.get("name"))
        if isinstance(entry, dict)
        else entry
        for entry in entries
    )
    return tuple(voice_id for voice_id in ids if isinstance(voice_id, str) and voice_id)


def _without_user(url: str) -> str:
    parts = urlsplit(url)
    return urlunsplit(
        (parts.scheme, parts.netloc.rpartition("@")[2], parts.path.rstrip("/"), "", "")
    )
