from services.synth.audio.tags import Tags


def test_language_becomes_three_letters():
    assert Tags("t", language="en-GB").iso_639_2 == "eng"
    assert Tags("t", language="de").iso_639_2 == "deu"
    assert Tags("t", language="tlh").iso_639_2 == "und"
    assert Tags("t", language="").iso_639_2 == "und"


def test_empty_tags_are_left_out():
    assert Tags("A title", genre="").for_container() == {"title": "A title"}
    assert Tags("A title", genre="").for_vorbis() == {"TITLE": "A title"}
    assert Tags("t").for_container(2)["media_type"] == "2"


def test_what_tags_cannot_hold_is_dropped():
    assert Tags("a\0b\nc").for_container()["title"] == "a b c"
