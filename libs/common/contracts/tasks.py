"""Tasks: pieces of work that were given up."""

from uuid import UUID

from pydantic import Field

from libs.common.contracts.base import Event, ObjectRef, PageNumber
from libs.common.contracts.details import UNSTORED, FailureDetails, details_ref
from libs.common.contracts.identifiers import Code, Name, StreamName


class TaskFailed(Event):
    """A piece of work was given up, in whatever service. Nothing is silently missing.

    It is for operators, and comes beside what the failure means for a document: a page that could
    not be spoken is told by ``audio.failed`` and by this.
    """

    topic = "task.failed"
    producer = "*"
    keyed_by = ("document_id", "task_id")
    stream_name = "task/{task_id}"

    task_id: UUID = Field(description="The same whenever this piece of work is given up.")
    service: Name = Field(description="Who gave it up.")
    kind: Name = Field(
        description="The topic of an event, which has a period in it, or the kind of a job."
    )
    document_id: UUID | None
    owner_id: UUID | None = Field(description="Whose document it is, if known.")
    requested_by: UUID | None = Field(description="Who asked for it, if known.")
    about_stream: StreamName | None = Field(
        description="The stream that will not go on: audio/..., page/... and so on."
    )
    page: PageNumber | None = Field(description="The page it is about, if it is about one.")
    code: Code
    details: ObjectRef | None = details_ref(FailureDetails, UNSTORED)
    attempts: int = Field(ge=1, le=2**31 - 1, description="How often it was tried.")
    fingerprint: str = Field(
        pattern=r"^[0-9a-f]{16}$", description="Failures of one cause share it."
    )
