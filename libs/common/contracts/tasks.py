"""Tasks: pieces of work that were given up."""

from uuid import UUID

from pydantic import Field

from libs.common.contracts.base import Event, ObjectRef
from libs.common.contracts.identifiers import Code, Name, StreamName


class TaskFailed(Event):
    """A piece of work was given up, in whatever service. Nothing is silently missing."""

    topic = "task.failed"
    producer = "*"
    keyed_by = ("document_id", "task_id")
    stream_name = "task/{task_id}"

    task_id: UUID
    service: Name
    kind: Name = Field(description="Job kind, or the topic of the message.")
    document_id: UUID | None = None
    owner_id: UUID | None = Field(default=None, description="Whose document it is, if known.")
    requested_by: UUID | None = Field(default=None, description="Who asked for it, if known.")
    about: StreamName | None = Field(
        default=None, description="The stream that will not go on: audio/..., page/... and so on."
    )
    page: int | None = None
    code: Code
    details: ObjectRef | None = Field(
        default=None, description="A libs.common.contracts.details.FailureDetails as JSON."
    )
    attempts: int = Field(ge=1)
    fingerprint: str = Field(
        pattern=r"^[0-9a-f]{16}$", description="Failures of one cause share it."
    )
