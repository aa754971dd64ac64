import pytest

from services.gateway.http.ratelimit.limit_classes import (
    LimitClass,
    check_limit,
    limited,
    limits_from,
    limits_of,
)


def test_a_route_declares_its_classes():
    declared = limited(LimitClass.UPLOAD, LimitClass.FETCH)
    assert limits_of(declared) == (LimitClass.UPLOAD, LimitClass.FETCH)
    assert limits_of(None) == limits_of({}) == ()


@pytest.mark.parametrize(
    ("said", "amount", "seconds"), [("10/hour", 10, 3600), ("20/15 minutes", 20, 900)]
)
def test_settings_say_how_many_in_which_time(said, amount, seconds):
    limits = limits_from({"upload": check_limit(said), "fetch": check_limit("0")})
    assert set(limits) == {LimitClass.UPLOAD}
    item = limits[LimitClass.UPLOAD]
    assert (item.amount, item.get_expiry()) == (amount, seconds)


@pytest.mark.parametrize("said", ["often", "10", "10/fortnight", "0/hour", "-1/hour"])
def test_what_is_no_limit_is_refused(said):
    with pytest.raises(ValueError):  # noqa: PT011 - the settings say it in their own words
        check_limit(said)


def test_only_what_may_be_a_guess_counts_when_it_is_refused():
    guesses = {one for one in LimitClass if one.counts_refusals}
    assert guesses == {"password", "login", "registration", "reset", "mail_link"}
