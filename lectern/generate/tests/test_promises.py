import json
from pathlib import Path

from lectern.generate.promises import EVERY_DETAILS, every_promise
from libs.common.contracts import details
from libs.common.contracts.catalog import every_event
from libs.common.contracts.details import Details, PageText
from libs.common.contracts.speech import timings, utterances


def test_every_event_and_all_details_are_promised():
    """Of whatever tests derive from Details, nothing is."""
    ours = {details.__name__, timings.__name__, utterances.__name__}
    derived = {kind for kind in Details.__subclasses__() if kind.__module__ in ours}
    assert set(EVERY_DETAILS) == derived
    assert [promise.kind for promise in every_promise()] == [*every_event(), *EVERY_DETAILS]


def test_names_are_those_of_files_and_never_the_same():
    names = [promise.name for promise in every_promise()]
    assert len(set(names)) == len(names)
    by_name = {promise.name: promise for promise in every_promise()}
    root = Path("/x")
    assert by_name["audio.ready"].schema_path(root) == Path(
        "/x/docs/events/schemas/audio.ready.v1.json"
    )
    assert by_name["PageText"].schema_path(root, 3) == Path(
        "/x/docs/events/details/schemas/PageText.v3.json"
    )
    assert by_name["PageText"].sample_path(root) == Path(
        "/x/docs/events/details/golden/PageText/v1.json"
    )


def test_the_version_is_the_one_that_is_written():
    class Second(PageText):
        version = 2

    assert json.loads(Second(markdown="", title=None).encode())["version"] == 2
