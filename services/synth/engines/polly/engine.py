"""The Amazon Polly engine, over boto3."""

from collections.abc import Iterator
from contextlib import closing
from typing import Any

import boto3
import numpy as np
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from numpy.typing import NDArray

from libs.common.errors import Unavailable
from services.synth.engines import decode, tempo, words
from services.synth.engines.polly.config import PollyConfig
from services.synth.engines.polly.errors import translate
from services.synth.engines.polly.speech_marks import MAX_PERCENT, PollyInput, compose, read_marks
from services.synth.engines.port import (
    EngineBroken,
    Speech,
    TextTooLong,
    UnknownVoice,
    Voice,
    WordMark,
    check_request,
)

_REVISION = 1  # raise it when a change of ours changes the sound
_MAX_INPUT = 6_000  # characters with tags; 3,000 without are max_characters
_ATTEMPTS = 2  # in all; our jobs do the patient retrying
_PCM_RATES_HZ = (8_000, 16_000)  # at others Polly has no PCM, but Ogg Vorbis
_DEFAULT_VOICE = "Joanna"
_FALLBACK_VOICES = tuple(
    Voice(engine="polly", id=name, name=name, language="en-US", gender=gender)
    for name, gender in (
        ("Ivy", "female"),
        ("Joanna", "female"),
        ("Joey", "male"),
        ("Justin", "male"),
        ("Kendra", "female"),
        ("Kimberly", "female"),
        ("Matthew", "male"),
        ("Salli", "female"),
    )
)
# Polly's language codes that are not BCP 47.
_BCP_47 = {"en-GB-WLS": "en-GB-x-wls"}
# What people call a language, and Polly calls otherwise.
_POLLY_TAGS = {"en": "en-us", "ar": "arb", "zh": "cmn-cn", "zh-cn": "cmn-cn", "no": "nb-no"}


class PollyEngine:
    """Amazon Polly, one of its engines in one region."""

    name = "polly"
    max_characters = 3_000

    def __init__(self, config: PollyConfig) -> None:
        self._config = config
        default_hz = 22_050 if config.engine == "standard" else 24_000
        self._sample_rate = config.sample_rate_hz or default_hz
        self._format = "pcm" if self._sample_rate in _PCM_RATES_HZ else "ogg_vorbis"
        self._connected: Any = None
        self._voices: tuple[Voice, ...] | None = None
        self._may_list_voices = True

    @property
    def fingerprint(self) -> str:
        """The engine within Polly, format and sample rate; regions sound alike."""
        return f"polly/{_REVISION} engine={self._config.engine} {self._format}={self._sample_rate}"

    def voices(self) -> tuple[Voice, ...]:
        """Voices of the configured engine; eight well-known ones if we may not ask for them.

        Raises:
            EngineDenied: Our credentials are not accepted at all.
            EngineBroken: The region does not have the engine.
            Throttled: Polly asks us to slow down.
            Unavailable: Polly did not answer.
        """
        if self._voices is None:
            try:
                self._voices = tuple(self._described())
            except ClientError as error:
                if error.response["Error"]["Code"] not in ("AccessDenied", "AccessDeniedException"):
                    raise translate(error) from error
                self._voices = _FALLBACK_VOICES
                self._may_list_voices = False
            except BotoCoreError as error:
                raise translate(error) from error
            if not self._voices:
                raise EngineBroken("Amazon Polly has no voice for this engine in this region")
        return self._voices

    def default_voice(self, language: str) -> str:
        """The first voice of the tag, else of its language, else Joanna or the first of all."""
        tag = language.lower().replace("_", "-")
        tag = _POLLY_TAGS.get(tag, tag)

        def distance(voice: Voice) -> tuple[bool, bool, bool]:
            spoken = voice.language.lower()
            same = spoken.partition("-")[0] == tag.partition("-")[0]
            return not same, spoken != tag, voice.id != _DEFAULT_VOICE

        return min(self.voices(), key=distance).id

    def speak(self, text: str, voice: str, rate: float) -> Speech:
        """See :class:`Engine`. Two calls: the sound, and the positions of its words."""
        check_request(self, text, rate)
        # If we may not ask for the voices it is Polly who decides.
        if self._known(voice) is False:
            raise UnknownVoice(self.name, voice)
        clean = words.plain(text)
        if not words.can_be_heard(clean):
            return Speech(words.silence(self._sample_rate), self._sample_rate)
        sent = compose(clean, rate)
        if len(sent.body) > _MAX_INPUT:
            raise TextTooLong(self.name, len(sent.body), _MAX_INPUT)
        pcm, sample_rate = self._sound(sent, voice)
        marks = self._marks(clean, sent, voice, sample_rate, len(pcm))
        return tempo.faster(Speech(pcm, sample_rate, marks), rate * 100 / MAX_PERCENT)

    def close(self) -> None:
        """Close the connections."""
        if self._connected is not None:
            self._connected.close()
            self._connected = None

    def _known(self, voice: str) -> bool | None:
        listed = any(known.id == voice for known in self.voices())
        return listed if self._may_list_voices else None

    def _sound(self, sent: PollyInput, voice: str) -> tuple[NDArray[np.int16], int]:
        data = self._request(
            sent, voice, OutputFormat=self._format, SampleRate=str(self._sample_rate)
        )
        pcm, sample_rate = decode.decode(data, self._format, self._sample_rate)
        if not len(pcm):
            raise Unavailable("Amazon Polly answered without sound")
        return words.trim_end(pcm, sample_rate), sample_rate

    def _marks(
        self, text: str, sent: PollyInput, voice: str, sample_rate: int, samples: int
    ) -> tuple[WordMark, ...]:
        # The generative engine has no speech marks.
        if not self._config.word_marks or self._config.engine == "generative":
            return ()
        lines = self._request(sent, voice, OutputFormat="json", SpeechMarkTypes=["word"])
        try:
            return read_marks(lines, text, sent, sample_rate, samples)
        except (ValueError, KeyError, TypeError) as error:
            raise EngineBroken("Amazon Polly answered with unreadable speech marks") from error

    def _request(self, sent: PollyInput, voice: str, **output: Any) -> bytes:
        try:
            answer = self._client().synthesize_speech(
                Engine=self._config.engine,
                Text=sent.body,
                TextType=sent.kind,
                VoiceId=voice,
                **output,
            )
            # Entered itself it hands out the raw stream, which raises errors of urllib3.
            with closing(answer["AudioStream"]) as stream:
                sound: bytes = stream.read()
                return sound
        except (ClientError, BotoCoreError) as error:
            raise translate(error) from error

    def _described(self) -> Iterator[Voice]:
        token: dict[str, Any] = {}
        while True:
            page = self._client().describe_voices(Engine=self._config.engine, **token)
            for listed in page["Voices"]:
                code = str(listed["LanguageCode"])
                yield Voice(
                    engine=self.name,
                    id=listed["Id"],
                    name=listed["Name"],
                    language=_BCP_47.get(code, code),
                    gender=listed["Gender"].lower(),
                )
            if not page.get("NextToken"):
                return
            token = {"NextToken": page["NextToken"]}

    def _client(self) -> Any:
        if self._connected is None:
            config = self._config
            self._connected = boto3.session.Session().client(
                "polly",
                region_name=config.region,
                endpoint_url=config.endpoint_url,
                aws_access_key_id=config.access_key_id,
                aws_secret_access_key=config.secret_access_key,
                aws_session_token=config.session_token,
                config=Config(
                    connect_timeout=config.connect_timeout_s,
                    read_timeout=config.read_timeout_s,
                    retries={"total_max_attempts": _ATTEMPTS, "mode": "standard"},
                ),
            )
        return self._connected
