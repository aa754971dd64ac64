"""What people can do to hear documents."""

from dataclasses import dataclass
from uuid import UUID, uuid4

from services.gateway.documents.commands import DocumentCommands
from services.gateway.documents.uploads import Submission
from services.gateway.kernel.locks import lock_owner
from services.gateway.kernel.record import CommandTransaction, Kernel
from services.gateway.narrations.options import NarrationOptions
from services.gateway.narrations.planning.ordering import (
    chosen_sound,
    narration_requested,
    prepare_order,
)
from services.gateway.narrations.planning.quota import check_orders, check_quota


@dataclass(frozen=True)
class NarrationCommands:
    """The commands."""

    kernel: Kernel

    async def narrate(
        self,
        caller: UUID,
        document_id: UUID,
        options: NarrationOptions,
        narration_id: UUID | None = None,
    ) -> UUID:
        """Ask for audio, and return the narration's id.

        An order that was given before is answered with the narration there is, unless what it made
        is not all there any more. A caller that may be interrupted chooses the id of a new one,
        and finds it again by it.

        Raises:
            NotFound: No such document, for this caller.
            Rejected: No such page, voice or engine; the quota is used up.
            Unavailable: No engine has announced itself yet.
        """
        async with self.kernel.transaction() as command:
            return await self._narrate(
                command, caller, document_id, options, narration_id or uuid4()
            )

    async def submit_and_narrate(self, submission: Submission, options: NarrationOptions) -> UUID:
        """Hand a document in and ask for its audio, both or neither; return the narration's id.

        Raises:
            Rejected: The web address holds credentials, or the owner has no room; or see
                :meth:`narrate`.
        """
        narration_id, documents, owner = uuid4(), DocumentCommands(self.kernel), submission.owner_id
        async with documents.storing(submission) as stored, self.kernel.transaction() as command:
            requested = narration_requested(
                narration_id,
                submission.document_id,
                owner_id=owner,
                requested_by=owner,
                options=options,
                spoken_as=await chosen_sound(command.connection, owner, None, options),
            )
            # Nobody has asked for any of it before: there is nothing to find, and it has no sounds.
            await lock_owner(command.connection, owner)
            await check_orders(command.connection, self.kernel.limits, owner)
            await command.apply([*documents.submitting(stored), *self.kernel.record(requested)])
        self.kernel.metrics.documents_submitted_total.inc()
        return narration_id

    async def _narrate(
        self,
        command: CommandTransaction,
        caller: UUID,
        document_id: UUID,
        options: NarrationOptions,
        narration_id: UUID,
    ) -> UUID:
        connection = command.connection
        order = await prepare_order(connection, caller, document_id, options)
        if order.same is not None:
            return order.same.narration_id
        await check_quota(
            connection, self.kernel.limits, order.document, options.pages, order.spoken_as
        )
        await command.apply(self.kernel.record(order.requested(narration_id)))
        return narration_id
