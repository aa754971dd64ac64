"""Tasks: pieces of work that were given up."""

from uuid import UUID

from pydantic import Field

from libs.common.contracts.base import Event


class TaskFailed(Event):
    """A piece of work was given up, in whatever service. Nothing is silently missing."""

    topic = "task.failed"
    producer = "*"
    keyed_by = ("document_id", "task_id")
    stream_name = "task/{task_id}"

    task_id: UUID
    service: str
    kind: str = Field(description="Job kind, or the topic of the message.")
    document_id: UUID | None = None
    code: str
    reason: str
    page: int | None = None
    attempts: int = Field(ge=1)
    fingerprint: str = Field(description="Failures of one cause share it.")
