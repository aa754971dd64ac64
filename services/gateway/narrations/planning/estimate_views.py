"""What people see of an order before they give it."""

from collections.abc import Iterator
from decimal import Decimal
from typing import Literal
from uuid import UUID

from pydantic import Field

from libs.common.contracts.cloudevents import rfc3339
from libs.common.contracts.formats import MAX_FORMATS, PageFormat
from libs.common.contracts.pages import ranges_as_text
from services.gateway.kernel.prices import Prices
from services.gateway.kernel.views import Failure, Moment, View
from services.gateway.narrations.planning.estimating import EstimatedOrder
from services.gateway.narrations.rows import Outcome

MOST_ENGINES = 100


class EngineCost(View):
    """What an engine would cost; ``amount`` is null where no price of it is set.

    ``characters`` are those that it would speak: for the engine of the order those that were not
    asked for before, for another one all of them, which is the most that it can cost.
    """

    engine: str
    characters: int
    amount: Decimal | None = Field(description="In the currency, to a hundredth of a cent.")
    currency: str | None = Field(description="ISO 4217.")


class EstimateView(View):
    """What an order would do now; to order the same does this, unless something changes meanwhile.

    Of ``pages_total`` (null while that is not known), ``pages_ready`` are spoken already,
    ``pages_being_made`` are being made or wait for other orders, and ``pages_to_speak`` are new;
    ``pages_silent`` have nothing to speak and ``pages_failed`` cannot be spoken. The rest,
    ``pages_unknown``, is not read yet, or not there: it counts when it is known.

    ``characters`` are those of all pages that are known, ``characters_to_speak`` those that no
    order has asked for yet: what the order takes of ``left_today`` (null: no limit). If they do not
    fit, the rest waits until ``resumes_at``. ``minutes`` are those of the known pages, at
    ``characters_per_minute``: measured where the voice was heard in this document
    (``rate_source``), else the usual one. ``narration_id`` is the order that is there already, if
    it is the same. ``refusal`` says why the order would be refused.
    """

    document_id: UUID
    narration_id: UUID | None
    pages: str | None
    engine: str
    voice: str
    rate: float
    formats: tuple[PageFormat, ...] = Field(max_length=MAX_FORMATS)
    pages_total: int | None
    pages_ready: int
    pages_being_made: int
    pages_to_speak: int
    pages_silent: int
    pages_failed: int
    pages_unknown: int | None
    characters: int
    characters_to_speak: int
    minutes: float
    characters_per_minute: float
    rate_source: Literal["document", "usual"]
    costs: tuple[EngineCost, ...] = Field(max_length=MOST_ENGINES)
    left_today: int | None
    fits_today: bool
    resumes_at: Moment
    refusal: Failure | None


def estimate_view(found: EstimatedOrder, prices: Prices) -> EstimateView:
    """Return an estimate as people see it."""
    facts, order = found.facts, found.order
    engine, voice, rate = order.spoken_as
    pages: dict[Outcome, int] = {row.outcome: row.pages for row in facts.known}
    waiting = pages.get("waiting", 0)
    being_made = max(0, waiting - found.costly - found.pages_uncut)
    total = facts.pages_total
    unheard = sum(row.characters for row in facts.known if row.outcome == "waiting")
    minutes = facts.duration_ms / 60_000 + found.pace.minutes(unheard)
    return EstimateView(
        document_id=order.document.document_id,
        narration_id=None if order.same is None else order.same.narration_id,
        pages=None if order.options.pages is None else ranges_as_text(order.options.pages),
        engine=engine,
        voice=voice,
        rate=rate,
        formats=order.options.formats,
        pages_total=total,
        pages_ready=pages.get("ready", 0),
        pages_being_made=being_made,
        pages_to_speak=waiting - being_made - found.pages_uncut,
        pages_silent=pages.get("silent", 0),
        pages_failed=pages.get("failed", 0),
        pages_unknown=None
        if total is None
        else max(0, total - sum(pages.values())) + found.pages_uncut,
        characters=sum(row.characters for row in facts.known),
        characters_to_speak=found.characters,
        minutes=round(minutes, 2),
        characters_per_minute=round(found.pace.characters_per_minute, 1),
        rate_source=found.pace.source,
        costs=tuple(_costs(found, prices)),
        left_today=found.before.left,
        fits_today=found.fits_today,
        resumes_at=rfc3339(found.before.resumes_at),
        refusal=found.refusal,
    )


def _costs(found: EstimatedOrder, prices: Prices) -> Iterator[EngineCost]:
    """The engine of the order first, then the others."""
    chosen = found.order.spoken_as[0]
    every_character = sum(row.characters for row in found.facts.known)
    others = [engine for engine in found.engines if engine != chosen]
    for engine in [chosen, *others][:MOST_ENGINES]:
        characters = found.characters if engine == chosen else every_character
        amount = prices.of(engine, characters)
        yield EngineCost(
            engine=engine,
            characters=characters,
            amount=amount,
            currency=None if amount is None else prices.currency,
        )
