from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.synth.audio.codecs import codec as codec_module
from services.synth.synthesis.cache.digests import SegmentPlace, lossless_place, segment_key

SALT, OTHER_SALT = b"s" * 32, b"t" * 32
SEGMENT = "ab" * 32
AAC = SegmentPlace(SEGMENT, 2.0, "aac")

texts = st.text(st.characters(codec=None), max_size=8)
inputs = st.tuples(st.sampled_from([SALT, OTHER_SALT]), texts, texts, st.floats(0.5, 3.0), texts)


def test_a_segment_key_is_fixed_for_ever():
    """A change here would throw away everything that was ever spoken."""
    key = segment_key(SALT, "espeak/1", "en-us", 1.0, "Hello, wörld 😀")
    assert key == "6b9955adbb60f2b33132244029e13e563a6b65bf2c5c721fc01a00bed983942f"
    assert AAC.digest.hex() == "47e3adfb432f8b75ce7a615b5059d3a8c1e2dce034118f78c787d0cc4c1966be"


@pytest.mark.slow
@given(inputs, inputs)
def test_different_inputs_have_different_keys(one, other):
    assert (segment_key(*one) == segment_key(*other)) == (one == other)


def test_parts_do_not_run_into_one_another():
    assert segment_key(SALT, "a", "b", 1.0, "c") != segment_key(SALT, "ab", "", 1.0, "c")
    quoted = segment_key(SALT, "a", 'b","c', 1.0, "d")
    assert quoted != segment_key(SALT, "a", "b", 1.0, 'c","d')
    assert segment_key(SALT, "a", "b", 1, "c") == segment_key(SALT, "a", "b", 1.0, "c")


def test_who_lacks_the_salt_cannot_compute_the_key():
    """It is no plain hash of what a listener can guess, however it is written."""
    guesses = ['["espeak/1","en-us",1.0,"Hello."]', "Hello.", "espeak/1\nen-us\n1.0\nHello."]
    key = segment_key(SALT, "espeak/1", "en-us", 1.0, "Hello.")
    assert key not in {sha256(guess.encode()).hexdigest() for guess in guesses}
    assert key not in {segment_key(b"", "espeak/1", "en-us", 1.0, "Hello.")}


def test_everything_that_decides_the_packets_decides_their_digest():
    places = [
        SegmentPlace(segment, gain_db, codec).digest
        for segment in (SEGMENT, "cd" * 32)
        for gain_db in (2.0, 2.1, -2.0)
        for codec in codec_module.CODECS
    ]
    places += [lossless_place(segment).digest for segment in (SEGMENT, "cd" * 32)]
    assert len(set(places)) == len(places) == 20
    assert {len(digest) for digest in places} == {32}


def test_a_gain_counts_in_tenths_of_a_decibel():
    assert AAC._replace(gain_db=2.04).digest == AAC._replace(gain_db=1.96).digest


def test_new_settings_give_new_digests(monkeypatch):
    old = AAC.digest
    monkeypatch.setattr(codec_module, "SETTINGS_VERSION", codec_module.SETTINGS_VERSION + 1)
    assert AAC.digest != old
