import pytest

from services.synth.audio.loudness.calibration_texts import PASSAGES, passage


@pytest.mark.parametrize("language", PASSAGES)
def test_passages_are_long_and_varied_enough(language):
    text = " ".join(passage(language))
    assert 75 <= len(text.split()) <= 95
    assert "?" in text
    assert len(passage(language)) >= 5


def test_regions_share_a_passage_and_others_read_english():
    assert passage("pt-BR") == PASSAGES["pt"]
    assert passage("DE_at") == PASSAGES["de"]
    assert passage("fi") == passage("") == PASSAGES["en"]
