from libs.common.processing.failures import GivenUp
from libs.common.store.jobs import NewJob
from services.gateway.kernel.jobs import REMOVE_PENDING, PendingObject, removal

LONGEST = f"documents/{'0' * 36}/pages/99999.r999999999.0123456789abcdef.json"
SUBJECT_CHARACTERS = 100


def test_a_removal_that_was_given_up_is_tried_again():
    pending = PendingObject(key=LONGEST)
    [again] = REMOVE_PENDING.gave_up(pending, GivenUp("unavailable"))
    assert isinstance(again, NewJob)
    assert (again.kind, again.payload) == (REMOVE_PENDING.name, pending)
    assert again.delay_ms > 0


def test_no_removal_can_be_withdrawn_as_a_deadline_can():
    """It may have removed something before it failed."""
    pending = PendingObject(key=LONGEST)
    assert removal(pending).subject != pending.subject


def test_subjects_have_room_in_their_column():
    pending = PendingObject(key=LONGEST)
    assert max(map(len, (pending.subject, removal(pending).subject))) <= SUBJECT_CHARACTERS
