import hmac
from hashlib import sha256

from libs.common.keyed_digests import keyed_digest, keyed_uuid

KEY, OTHER = bytes(range(32)), bytes(range(1, 33))


def test_it_is_the_mac_of_the_parts_as_json():
    expected = hmac.new(KEY, b'["a","b\\u00e9"]', sha256).digest()
    assert keyed_digest(KEY, "a", "bé") == expected


def test_key_and_every_part_count():
    made = [
        keyed_uuid(KEY, "a", "b"),
        keyed_uuid(OTHER, "a", "b"),
        keyed_uuid(KEY, "ab"),
        keyed_uuid(KEY, "a", "b", ""),
        keyed_uuid(KEY, 'a","b'),
        keyed_uuid(KEY, "b", "a"),
    ]
    assert len(set(made)) == len(made)
    assert keyed_uuid(KEY, "a", "b") == made[0]


def test_an_id_is_one_of_version_4():
    found = keyed_uuid(KEY, "a")
    assert found.version == 4
    expected = keyed_digest(KEY, "a")[:16]
    assert (found.bytes[:6], found.bytes[9:]) == (expected[:6], expected[9:])
