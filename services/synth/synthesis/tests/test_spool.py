from services.synth.synthesis.spool import SegmentSpool


def test_what_was_added_is_read_again():
    spool = SegmentSpool()
    first = spool.add({"aac": b"one", "mp3": b"two!"})
    second = spool.add({"aac": b""})
    assert dict(first) == {"aac": b"one", "mp3": b"two!"}
    assert dict(second) == {"aac": b""}
    assert (len(first), list(first)) == (2, ["aac", "mp3"])


def test_it_lives_as_long_as_what_it_returned():
    files = SegmentSpool().add({"aac": b"one"})
    assert files["aac"] == b"one"
