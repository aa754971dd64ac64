import re

from services.synth.audio import codecs
from services.synth.audio.produced import packets_key

SEGMENT = "ab" * 32


def test_the_key_is_a_digest_that_stays():
    assert re.fullmatch("[0-9a-f]{64}", packets_key(SEGMENT, 2.0, "aac"))
    assert packets_key(SEGMENT, 2.0, "aac") == packets_key(SEGMENT, 2.0, "aac")


def test_everything_that_decides_the_packets_decides_the_key():
    keys = {
        packets_key(SEGMENT, 2.0, "aac"),
        packets_key("cd" * 32, 2.0, "aac"),
        packets_key(SEGMENT, 2.1, "aac"),
        packets_key(SEGMENT, -2.0, "aac"),
        packets_key(SEGMENT, 2.0, "mp3"),
        packets_key(SEGMENT, 2.0, "opus"),
    }
    assert len(keys) == 6


def test_a_gain_counts_in_tenths_of_a_decibel():
    assert packets_key(SEGMENT, 2.04, "aac") == packets_key(SEGMENT, 1.96, "aac")


def test_new_settings_give_new_keys(monkeypatch):
    old = packets_key(SEGMENT, 2.0, "aac")
    monkeypatch.setattr(codecs, "SETTINGS_VERSION", codecs.SETTINGS_VERSION + 1)
    assert packets_key(SEGMENT, 2.0, "aac") != old
