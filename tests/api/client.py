"""What a program in Python does with the client that openapi-python-client makes."""

import json
import sys
from io import BytesIO
from uuid import UUID

from lectern_client import AuthenticatedClient  # type: ignore[import-not-found]
from lectern_client.api.audio import stream_audio  # type: ignore[import-not-found]
from lectern_client.api.documents import (  # type: ignore[import-not-found]
    list_documents,
    read_document,
    submit_document,
)
from lectern_client.models import (  # type: ignore[import-not-found]
    ProblemModel,
    SubmitDocumentFilesBody,
    SubmittedView,
)
from lectern_client.types import File  # type: ignore[import-not-found]

address, token, audio = sys.argv[1:]
with AuthenticatedClient(base_url=address, token=token) as client:
    form = SubmitDocumentFilesBody(
        file=File(payload=BytesIO(b"It was night."), file_name="night.txt"), title="From Python"
    )
    submitted = submit_document.sync(client=client, body=form)
    assert isinstance(submitted, SubmittedView), submitted
    raw = File(payload=BytesIO(b"It was night."))
    named = submit_document.sync(client=client, body=raw, filename="raw.txt")
    found = read_document.sync(submitted.document_id, client=client)
    listed = list_documents.sync(client=client, limit=2)
    missing = read_document.sync(UUID(int=0, version=4), client=client)
    heard = stream_audio.sync_detailed(UUID(audio), client=client)
    assert isinstance(missing, ProblemModel)
    facts = {
        "title": found.title,
        "year": found.submitted_at.year > 2000,
        "named": named.source_name,
        "listed": len(listed.items),
        "problem": missing.code,
        "bytes": len(heard.content),
    }
    sys.stdout.write(json.dumps(facts))
