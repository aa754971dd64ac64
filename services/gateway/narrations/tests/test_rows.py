from services.gateway.narrations.tests.test_decide import narration, requested


def test_every_page_or_those_that_were_asked_for():
    assert narration(pages=None).includes(7)
    assert narration(pages=(1, 3)).includes(3)
    assert not narration(pages=(1, 3)).includes(2)


def test_how_a_page_is_to_sound():
    assert narration().spoken_as == requested().spoken_as == ("espeak", "en", 1.0)
