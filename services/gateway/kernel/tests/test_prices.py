from decimal import Decimal

import pytest
from pydantic import ValidationError

from services.gateway.kernel.prices import Prices
from services.gateway.settings import Settings


def test_prices_are_of_a_million_characters():
    prices = Prices.read(" polly = 16, openai=15.5 ", "EUR")
    assert (prices.of("polly", 1_000_000), prices.of("polly", 3)) == (Decimal(16), Decimal(0))
    assert prices.of("openai", 100_000) == Decimal("1.55")
    assert prices.of("espeak", 100_000) is None
    assert prices.currency == "EUR"
    assert Prices.read("", "USD").per_million == {}


@pytest.mark.parametrize("text", ["polly", "polly=a", "=3", "polly=-1", "a=1,a=2", "a=NaN"])
def test_what_is_no_price_is_refused_at_the_start(text):
    with pytest.raises(ValueError, match=r"engine|price|write"):
        Prices.read(text, "USD")
    with pytest.raises(ValidationError):
        Settings(database_url="sqlite+aiosqlite:///x", engine_prices=text)
