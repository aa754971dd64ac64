import numpy as np
import pytest

from services.synth.audio.codecs.codec import CODECS
from services.synth.audio.codecs.encode import encode_segment, silent_packet
from services.synth.audio.tests.signals import decode_packets, snr_db, speech_like

every_codec = pytest.mark.parametrize("codec", CODECS.values(), ids=CODECS)


@every_codec
@pytest.mark.parametrize("samples", [1, 479, 1024, 31_111])
def test_packets_hold_the_segment_and_its_tail(codec, samples):
    encoded = encode_segment(speech_like(2.0)[:samples], codec.name)
    assert encoded.samples == samples
    assert len(encoded.packets) == codec.frames(samples)
    assert len(encoded.packets) * codec.frame >= samples + codec.delay


@every_codec
def test_equal_input_gives_equal_bytes(codec):
    first = encode_segment(speech_like(1.5), codec.name)
    encode_segment(speech_like(1.0, 7), codec.name)
    assert encode_segment(speech_like(1.5), codec.name) == first


@every_codec
def test_silence_decodes_to_silence(codec):
    sound = decode_packets([silent_packet(codec.name)] * 20, codec)
    assert np.abs(sound).max() < 1e-4


@pytest.mark.slow
@every_codec
def test_joined_segments_sound_like_one_encode(codec):
    """Segments that were encoded alone decode as well as one encode of everything."""
    spoken = [speech_like(1.1 + n / 9, n) for n in range(5)]
    lengths = [codec.frames(len(pcm)) * codec.frame for pcm in spoken]
    whole = np.concatenate(
        [np.pad(pcm, (0, size - len(pcm))) for pcm, size in zip(spoken, lengths, strict=True)]
    )
    lead = [silent_packet(codec.name)] * codec.lead
    tail = [silent_packet(codec.name)] * (codec.flush + 2)
    alone = [packet for pcm in spoken for packet in encode_segment(pcm, codec.name).packets]
    together = list(encode_segment(whole, codec.name).packets)[: len(alone)]
    joined = decode_packets(lead + alone + tail, codec)
    single = decode_packets(lead + together + tail, codec)
    assert len(joined) == len(single)
    place = np.correlate(single[: 24_000 + 4000], whole[:24_000] / 32768, "valid").argmax()
    reference = whole / 32768
    begin = 0
    for pcm, size in zip(spoken, lengths, strict=True):
        start, end = place + begin, place + begin + len(pcm)
        wanted = reference[begin : begin + len(pcm)]
        assert snr_db(wanted, joined[start:end]) > snr_db(wanted, single[start:end]) - 1.5
        edge = slice(0, 3 * codec.frame)
        assert snr_db(wanted[edge], joined[start:end][edge]) > 10
        begin += size
