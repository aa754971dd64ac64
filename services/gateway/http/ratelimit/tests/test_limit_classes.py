import re
from pathlib import Path

import pytest

from services.gateway.http.ratelimit.limit_classes import (
    LimitClass,
    check_limit,
    limited,
    limits_from,
    limits_of,
)
from services.gateway.settings import Settings


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


@pytest.mark.parametrize(
    ("status", "counted"),
    [
        (204, set(LimitClass)),
        (422, {"password", "login", "registration", "reset", "mail_link"}),
        (401, {"login", "registration", "reset", "mail_link"}),
        (403, {"login", "registration", "reset", "mail_link"}),
        (404, {"login", "registration", "reset", "mail_link"}),
    ],
)
def test_of_what_is_refused_only_guesses_count(status, counted):
    assert {one for one in LimitClass if one.counts(status)} == counted


def test_the_documentation_says_what_settings_say():
    """Each kind, its default and its setting."""
    table = (Path(__file__).parents[5] / "docs/api.md").read_text("utf-8")
    for kind in LimitClass:
        field = f"rate_limit_{kind}"
        default = Settings.model_fields[field].default
        row = rf"\| `{kind}` \| .+ \| {re.escape(default)} \| `GATEWAY_{field.upper()}` \|"
        assert re.search(row, table), kind
