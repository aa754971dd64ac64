import pytest

from services.gateway.http.etags import check_version, etag_of, tagged_version
from services.gateway.kernel.errors import Stale


@pytest.mark.parametrize("version", [0, 17])
def test_a_version_is_read_as_it_is_written(version):
    assert tagged_version(f" {etag_of(version)} ") == version


@pytest.mark.parametrize("other", [None, "", "17", 'W/"17"', '"x"', "*", '"17", "18"'])
def test_what_is_no_tag_of_ours_names_no_version(other):
    assert tagged_version(other) is None


@pytest.mark.parametrize("asked", [None, "*", '"17"'])
def test_a_condition_holds(asked):
    check_version(asked, 17)


@pytest.mark.parametrize("asked", ["", '"16"', 'W/"17"', "17"])
def test_a_condition_does_not_hold(asked):
    with pytest.raises(Stale):
        check_version(asked, 17)
