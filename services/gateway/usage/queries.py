"""What an owner uses, read from the rows by which the same is decided elsewhere."""

from dataclasses import dataclass
from uuid import UUID

from libs.common.contracts.cloudevents import rfc3339
from services.gateway.audio.selects import pages_in_flight
from services.gateway.documents.queries import DocumentQueries
from services.gateway.documents.stored.storage_bounds import stored_of_owner
from services.gateway.kernel.record import Kernel
from services.gateway.narrations.budget.daily_characters import todays_use
from services.gateway.narrations.planning.quota import open_orders
from services.gateway.narrations.rows import DailyBudget
from services.gateway.usage.views import CharactersOfToday, OwnerLimits, UsageView, Use


@dataclass(frozen=True, kw_only=True)
class InThisProcess:
    """What this process alone knows of an owner: streams that are open, requests under way."""

    streams: int
    requests: int


@dataclass(frozen=True)
class UsageQueries:
    """The queries."""

    kernel: Kernel

    async def usage(self, owner_id: UUID, here: InThisProcess) -> UsageView:
        """Return what an owner uses and may use."""
        limits, database = self.kernel.limits, self.kernel.database
        async with database.reading() as connection:
            budget = await todays_use(connection, limits, owner_id)
            stored = await stored_of_owner(connection, owner_id)
            orders = await open_orders(connection, owner_id)
            in_flight = await pages_in_flight(connection, owner_id)
        unparsed = limits.max_unparsed_documents_per_owner
        coming = len(self.kernel.being_handed_in.get(owner_id, ()))
        reading = coming + await DocumentQueries(database).unparsed(owner_id, unparsed)
        return UsageView(
            characters=_characters(budget),
            documents=_use(stored.documents, limits.max_documents_per_owner),
            stored_bytes=_use(stored.bytes, limits.max_stored_bytes_per_owner),
            open_narrations=_use(orders, limits.max_open_narrations_per_owner),
            pages_in_flight=_use(in_flight, limits.max_pages_in_flight_per_owner),
            unparsed_documents=_use(reading, unparsed),
            event_streams=_use(here.streams, limits.max_streams_per_owner),
            requests=_use(here.requests, limits.max_requests_per_owner),
            limits=OwnerLimits(
                upload_bytes=limits.max_upload_bytes,
                page_bytes=limits.max_page_bytes,
                sounds_per_page=limits.max_audios_per_page,
                open_narrations_per_document=limits.max_open_narrations_per_document,
            ),
        )


def _characters(budget: DailyBudget) -> CharactersOfToday:
    return CharactersOfToday(
        used=budget.counted,
        reserved=budget.spent,
        left=budget.left,
        limit=budget.most or None,
        resets_at=rfc3339(budget.resumes_at),
    )


def _use(used: int, most: int) -> Use:
    return Use(used=used, limit=most or None)
