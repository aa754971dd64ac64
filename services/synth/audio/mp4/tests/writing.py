"""The same sound as an MP4 file, written by us and by libav."""

from fractions import Fraction
from pathlib import Path

import av

from services.synth.audio.codecs.codec import AAC, RATE_HZ
from services.synth.audio.codecs.encode import encode_segment, silent_packet
from services.synth.audio.codecs.packets import Packets
from services.synth.audio.containers.audio_file import ChapterMark
from services.synth.audio.containers.cover import read_cover
from services.synth.audio.containers.tags import Tags
from services.synth.audio.mp4.mp4_file import Mp4File
from services.synth.audio.tests.signals import png, speech_like

TAGS = Tags(
    title="Das Buch", author="A. Author", album="Alb", language="de", comment="Hm.", track="3"
)


def spoken_packets() -> list[bytes]:
    """Three seconds."""
    return list(encode_segment(speech_like(3.0), "aac").packets)


def written_by_us(path: Path, packets: list[bytes], chapters: list[ChapterMark]) -> None:
    with Mp4File(
        path=path, tags=TAGS, chapters=chapters, cover=read_cover(png()), audiobook=True
    ) as file:
        file.write(Packets.of(packets))


def written_by_libav(path: Path, packets: list[bytes], chapters: list[ChapterMark]) -> None:
    """The same sound, as libav would write it; in no one chunk, and the tables at the end."""
    with av.open(str(path), "w", format="mp4") as container:
        stream = container.add_stream("aac", rate=RATE_HZ, layout="mono", bit_rate=AAC.bit_rate)
        container.set_chapters(
            [
                {
                    "id": number,
                    "start": chapter.start,
                    "end": chapter.end,
                    "time_base": Fraction(1, RATE_HZ),
                    "metadata": {"title": chapter.title},
                }
                for number, chapter in enumerate(chapters)
            ]
        )
        for number, data in enumerate([*packets, silent_packet("aac")]):
            packet = av.Packet(data)
            packet.stream = stream
            packet.time_base = Fraction(1, RATE_HZ)
            packet.pts = packet.dts = (number - 1) * AAC.frame
            packet.duration = AAC.frame
            packet.is_keyframe = True
            container.mux_one(packet)
