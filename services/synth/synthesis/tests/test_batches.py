from services.synth.synthesis.batches import (
    BATCH_CHARACTERS,
    BATCH_UTTERANCES,
    MissingSegment,
    SegmentRequest,
    batches,
)
from services.synth.synthesis.cache.digests import SegmentPlace
from services.synth.synthesis.registry import VoiceSettings

ANN = VoiceSettings(engine="scripted", voice="ann", rate=1.0, gain_db=0.5)
BOB = VoiceSettings(engine="scripted", voice="bob", rate=1.0, gain_db=0.5)


def missing(*texts, settings=ANN, codecs=("aac",)):
    return [
        MissingSegment(
            request=SegmentRequest(index=index, segment=text, settings=settings, text=text),
            files={},
            codecs=codecs,
            lossless=None,
        )
        for index, text in enumerate(texts)
    ]


def cut(segments, workers=1, alone=lambda request: False):
    return [
        [segment.request.text for segment in batch] for batch in batches(segments, workers, alone)
    ]


def test_a_batch_is_bounded_in_utterances_and_characters():
    texts = [str(number) for number in range(2 * BATCH_UTTERANCES + 1)]
    assert [len(batch) for batch in cut(missing(*texts))] == [BATCH_UTTERANCES] * 2 + [1]
    half = "x" * (BATCH_CHARACTERS // 2)
    assert [len(batch) for batch in cut(missing(half, half, half))] == [2, 1]
    assert cut(missing("x" * (BATCH_CHARACTERS + 1))) == [["x" * (BATCH_CHARACTERS + 1)]]


def test_every_worker_has_some():
    assert cut(missing("a", "b", "c", "d"), workers=2) == [["a", "b"], ["c", "d"]]
    assert cut([], workers=2) == []


def test_what_sounds_different_or_lacks_other_codecs_is_apart():
    assert cut([*missing("a"), *missing("b", settings=BOB)]) == [["a"], ["b"]]
    assert cut([*missing("a"), *missing("b", codecs=("mp3",))]) == [["a"], ["b"]]


def test_what_is_to_be_alone_is():
    assert cut(missing("a", "b", "c"), alone=lambda request: True) == [["a"], ["b"], ["c"]]


def test_a_request_knows_its_place():
    [segment] = missing("a")
    assert segment.request.place("mp3") == SegmentPlace("a", 0.5, "mp3")


def test_what_is_spoken_slowly_takes_longer():
    slow = VoiceSettings(engine="scripted", voice="ann", rate=0.5, gain_db=0.5)
    quarter = "x" * (BATCH_CHARACTERS // 4)
    texts = [quarter] * 4
    assert [len(batch) for batch in cut(missing(*texts))] == [4]
    assert [len(batch) for batch in cut(missing(*texts, settings=slow))] == [2, 2]
