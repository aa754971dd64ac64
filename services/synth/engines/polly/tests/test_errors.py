from typing import Any

import pytest
from botocore import exceptions
from botocore.exceptions import ClientError

from libs.common.errors import Permanent, Rejected, Throttled, Transient, Unavailable
from services.synth.engines.polly.errors import translate
from services.synth.engines.port import EngineBroken, EngineDenied, SpeechRejected

SECRET = "arn:aws:iam::123456789012:user/x AKIDEXAMPLE"


def client_error(code: str, status: int) -> ClientError:
    response: Any = {
        "Error": {"Code": code, "Message": SECRET},
        "ResponseMetadata": {"HTTPStatusCode": status},
    }
    return ClientError(response, "SynthesizeSpeech")


@pytest.mark.parametrize(
    ("code", "status", "kind"),
    [
        ("ThrottlingException", 400, Throttled),
        ("TooManyRequestsException", 429, Throttled),
        ("Anything", 429, Throttled),
        ("TextLengthExceededException", 400, SpeechRejected),
        ("InvalidSsmlException", 400, SpeechRejected),
        ("LanguageNotSupportedException", 400, SpeechRejected),
        ("EngineNotSupportedException", 400, SpeechRejected),
        ("ValidationException", 400, SpeechRejected),
        ("AccessDeniedException", 403, EngineDenied),
        ("UnrecognizedClientException", 403, EngineDenied),
        ("ExpiredTokenException", 403, EngineDenied),
        ("Anything", 403, EngineDenied),
        ("ServiceFailureException", 500, Unavailable),
        ("Anything", 503, Unavailable),
        ("LexiconNotFoundException", 404, EngineBroken),
        ("InvalidSampleRateException", 400, EngineBroken),
    ],
)
def test_answers(code, status, kind):
    error = translate(client_error(code, status))
    assert type(error) is kind
    assert "AKID" not in str(error)
    assert "arn:" not in str(error)


@pytest.mark.parametrize(
    ("raised", "kind"),
    [
        (exceptions.NoCredentialsError(), EngineDenied),
        (exceptions.PartialCredentialsError(provider="env", cred_var="x"), EngineDenied),
        (exceptions.ProfileNotFound(profile="p"), EngineDenied),
        (exceptions.NoRegionError(), EngineBroken),
        (exceptions.EndpointConnectionError(endpoint_url="http://u:p@h"), Unavailable),
        (exceptions.ConnectTimeoutError(endpoint_url="http://u:p@h"), Unavailable),
        (exceptions.ReadTimeoutError(endpoint_url="http://u:p@h"), Unavailable),
        (exceptions.ConnectionClosedError(endpoint_url="http://u:p@h"), Unavailable),
        (exceptions.SSLError(endpoint_url="http://u:p@h", error=OSError()), Unavailable),
        (exceptions.ResponseStreamingError(error="x"), Unavailable),
    ],
)
def test_what_never_reached_polly(raised, kind):
    error = translate(raised)
    assert type(error) is kind
    assert "u:p" not in str(error)


def test_kinds_decide_about_retrying():
    assert issubclass(EngineDenied, Permanent)
    assert issubclass(EngineBroken, Permanent)
    assert issubclass(SpeechRejected, Rejected)
    assert issubclass(Throttled, Transient)
