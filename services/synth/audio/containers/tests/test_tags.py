from services.synth.audio.containers.tags import Tags


def test_language_becomes_three_letters():
    assert Tags(title="t", language="en-GB").iso_639_2 == "eng"
    assert Tags(title="t", language="de").iso_639_2 == "deu"
    assert Tags(title="t", language="tlh").iso_639_2 == "und"
    assert Tags(title="t", language="").iso_639_2 == "und"


def test_empty_tags_are_left_out():
    assert Tags(title="A title", genre="").for_container() == {"title": "A title"}
    assert Tags(title="A title", genre="").for_vorbis() == {"TITLE": "A title"}


def test_what_tags_cannot_hold_is_dropped():
    assert Tags(title="a\0b\nc").for_container()["title"] == "a b c"


def test_track_is_a_number_where_tags_ask_for_one():
    assert Tags(title="t", track="12").track_number == 12
    assert Tags(title="t", track="70000").track_number == 65_535
    assert [Tags(title="t", track=track).track_number for track in ("", "A1", "-1", "²")] == [
        0,
        0,
        0,
        0,
    ]
