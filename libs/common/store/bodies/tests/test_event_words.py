import hashlib

from libs.common.store.bodies.event_words import EVENT_WORDS


def test_stored_bodies_need_every_byte_of_it_for_ever():
    digest = hashlib.sha256(EVENT_WORDS).hexdigest()
    assert digest == "d5a36cf480d91f061773d27c177b210940f5c66d8d46a13798993cc3c34b75b4"
