from services.gateway.narrations.options import NarrationOptions


def test_an_audiobook_decides_the_formats_of_its_pages():
    assert NarrationOptions().formats == ("m4a",)
    assert NarrationOptions(audiobook="m4b").formats == ("m4a",)
    assert NarrationOptions(format="mp3", audiobook="m4b").formats == ("mp3", "m4a")
    assert NarrationOptions(format="opus", audiobook="opus").formats == ("opus",)
