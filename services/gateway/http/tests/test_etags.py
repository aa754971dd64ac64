import pytest

from services.gateway.http.etags import check_version, etag_of, named_revision, tagged_version
from services.gateway.http.problems import Refused
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


@pytest.mark.parametrize(
    "given", [None, "", "3", '"x"', '"-1"', 'W/"3"', '"1", "2"', "*", '"\u0663"']
)
def test_who_has_to_name_a_revision_is_told(given: str | None) -> None:
    assert named_revision(etag_of(3)) == 3
    with pytest.raises(Refused) as caught:
        named_revision(given)
    assert (caught.value.status_code, caught.value.code) == (428, "revision_required")
