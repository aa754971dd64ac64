import stat

import pytest

from lectern.data_folder import SECRET_BYTES, DataFolderUnusable, data_folder_secret, mail_link_key


def test_a_data_folder_keeps_its_secret(tmp_path):
    one, other = tmp_path / "one", tmp_path / "other"
    one.mkdir()
    other.mkdir()
    secret = data_folder_secret(one)
    assert len(secret) == SECRET_BYTES
    assert data_folder_secret(one) == secret != data_folder_secret(other)
    [path] = one.iterdir()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


@pytest.mark.parametrize("left", ["secret", "secret.part"])
def test_a_secret_that_was_half_written_is_made_anew(tmp_path, left):
    (tmp_path / left).write_bytes(b"half")
    secret = data_folder_secret(tmp_path)
    assert len(secret) == SECRET_BYTES
    assert data_folder_secret(tmp_path) == secret
    [path] = tmp_path.iterdir()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


@pytest.mark.parametrize("left", [None, b"", bytes(SECRET_BYTES + 1)])
def test_a_secret_that_is_lost_with_its_ids_is_warned_of(tmp_path, caplog, left):
    data_folder_secret(tmp_path)
    (tmp_path / "gateway.db").touch()
    data_folder_secret(tmp_path)
    assert caplog.messages == []
    path = tmp_path / "secret"
    if left is None:
        path.unlink()
    else:
        path.write_bytes(left)
    data_folder_secret(tmp_path)
    [said] = caplog.messages
    assert str(path) in said


def test_a_secret_that_cannot_be_kept_is_said(tmp_path):
    (tmp_path / "secret").mkdir()
    with pytest.raises(DataFolderUnusable, match=r"cannot keep .*secret"):
        data_folder_secret(tmp_path)


def test_a_folder_has_a_key_of_its_own_for_links():
    key = mail_link_key(bytes(SECRET_BYTES))
    assert len(key) == 64
    assert bytes(SECRET_BYTES).hex() not in key
    assert key == mail_link_key(bytes(SECRET_BYTES)) != mail_link_key(bytes([1] * SECRET_BYTES))
