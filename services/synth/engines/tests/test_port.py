import pickle

import numpy as np
import pytest

from services.synth.engines.port import (
    EngineBroken,
    EngineDenied,
    Speech,
    SpeechRejected,
    TextTooLong,
    UnknownVoice,
)


@pytest.mark.parametrize(
    "error",
    [
        SpeechRejected("code", "A sentence."),
        UnknownVoice("polly", "Nobody"),
        TextTooLong("polly", 4000, 3000),
        EngineDenied("no"),
        EngineBroken("no"),
    ],
)
def test_errors_leave_a_process_pool_whole(error):
    copy = pickle.loads(pickle.dumps(error))
    assert type(copy) is type(error)
    assert str(copy) == str(error)
    assert copy.code == error.code


def test_duration():
    assert Speech(np.zeros(12_000, dtype=np.int16), 24_000).duration_s == 0.5
