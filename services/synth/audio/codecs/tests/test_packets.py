from services.synth.audio.codecs.packets import Packets

THREE = [b"abc", b"", b"x" * 300]


def test_what_was_joined_is_given_one_by_one():
    packets = Packets.of(THREE)
    assert len(packets) == 3
    assert packets.lengths.tolist() == [3, 0, 300]
    assert packets.data == b"".join(THREE)
    assert list(packets) == THREE
    assert list(Packets(packets.lengths, memoryview(packets.data))) == THREE


def test_none_are_none():
    assert list(Packets.of([])) == []
