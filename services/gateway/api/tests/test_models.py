from uuid import uuid4

from pydantic import BaseModel

from libs.common.events import ObjectRef
from services.gateway.api import models
from services.gateway.api.models import AudiobookModel
from services.gateway.tests.world import reference
from services.gateway.views import AudiobookView


def test_no_answer_has_a_reference():
    answers = [
        each
        for each in vars(models).values()
        if isinstance(each, type)
        and issubclass(each, BaseModel)
        and each.__module__ == models.__name__
    ]
    assert len(answers) > 10
    for answer in answers:
        annotations = [str(field.annotation) for field in answer.model_fields.values()]
        assert not [each for each in annotations if ObjectRef.__name__ in each], answer


def test_an_audiobook_says_its_size_and_not_its_place():
    view = AudiobookView(
        audiobook_id=uuid4(),
        document_id=uuid4(),
        narration_id=uuid4(),
        format="m4b",
        state="ready",
        duration_ms=1,
        chapters=1,
        loudness_lufs=-19.0,
        object=reference("audio/secret", b"four"),
        failure=None,
    )
    shown = AudiobookModel.model_validate(view)
    assert shown.bytes == 4
    assert "secret" not in shown.model_dump_json()
