"""What engines cost, as the settings say."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from typing import Self

MILLION = 1_000_000
_SMALLEST = Decimal("0.0001")


@dataclass(frozen=True, kw_only=True)
class Prices:
    """Of a million characters, by engine, in a ``currency`` (ISO 4217).

    An engine that is not named costs nothing that is known: those that run here have no price.
    """

    currency: str = "USD"
    per_million: Mapping[str, Decimal] = field(default_factory=dict)

    @classmethod
    def read(cls, text: str, currency: str) -> Self:
        """Read prices such as ``polly=16,openai=15``.

        Raises:
            ValueError: It is no list of engines and prices, or a price is below 0.
        """
        parts = [part.strip() for part in text.split(",") if part.strip()]
        per_million = dict(map(_price, parts))
        if len(per_million) < len(parts):
            raise ValueError("an engine is named twice")
        return cls(currency=currency, per_million=per_million)

    def of(self, engine: str, characters: int) -> Decimal | None:
        """Return what so many characters cost, to a hundredth of a cent; None: no price is set."""
        price = self.per_million.get(engine)
        return None if price is None else (price * characters / MILLION).quantize(_SMALLEST)


def _price(part: str) -> tuple[str, Decimal]:
    engine, _, amount = part.partition("=")
    try:
        price = Decimal(amount.strip())
    except InvalidOperation as error:
        raise ValueError("write prices as polly=16,openai=15") from error
    if not engine.strip() or not price.is_finite() or price < 0:
        raise ValueError("write prices as polly=16,openai=15")
    return engine.strip(), price
