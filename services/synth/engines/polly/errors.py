"""What Amazon Polly and boto3 raise, in our words: one table.

The provider's own messages name accounts, roles and keys, so only its error codes get through.
"""

from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectionError,
    CredentialRetrievalError,
    HTTPClientError,
    IncompleteReadError,
    NoAuthTokenError,
    NoCredentialsError,
    PartialCredentialsError,
    ProfileNotFound,
    ResponseStreamingError,
    TokenRetrievalError,
)

from libs.common.errors import LecternError, Throttled, Unavailable
from services.synth.engines.port import EngineBroken, EngineDenied, SpeechRejected

_THROTTLED = frozenset(
    {
        "LimitExceededException",
        "RequestLimitExceeded",
        "RequestThrottled",
        "RequestThrottledException",
        "ServiceQuotaExceededException",
        "SlowDown",
        "Throttling",
        "ThrottlingException",
        "ThrottledException",
        "TooManyRequestsException",
    }
)
_DENIED = frozenset(
    {
        "AccessDenied",
        "AccessDeniedException",
        "AuthFailure",
        "ExpiredToken",
        "ExpiredTokenException",
        "IncompleteSignature",
        "IncompleteSignatureException",
        "InvalidClientTokenId",
        "InvalidSignatureException",
        "MissingAuthenticationToken",
        "MissingAuthenticationTokenException",
        "NotAuthorized",
        "OptInRequired",
        "SignatureDoesNotMatch",
        "SubscriptionRequiredException",
        "UnrecognizedClientException",
    }
)
_REJECTED = {
    "TextLengthExceededException": (
        "text_too_long",
        "A passage is too long for Amazon Polly; split the sentence.",
    ),
    "InvalidSsmlException": (
        "speech_refused",
        "Amazon Polly cannot speak this sentence; change it.",
    ),
    "LanguageNotSupportedException": (
        "voice_unsupported",
        "Amazon Polly does not speak the language with this voice; choose another voice.",
    ),
    "EngineNotSupportedException": (
        "voice_unsupported",
        "Amazon Polly does not offer this voice with the engine in use; choose another voice.",
    ),
    "ValidationException": (
        "speech_refused",
        "Amazon Polly refuses the voice or the text; choose another voice or change the sentence.",
    ),
}
_NO_CREDENTIALS = (
    CredentialRetrievalError,
    NoAuthTokenError,
    NoCredentialsError,
    PartialCredentialsError,
    ProfileNotFound,
    TokenRetrievalError,
)
_UNREACHED = (ConnectionError, HTTPClientError, IncompleteReadError, ResponseStreamingError)
_SERVER_ERROR, _FORBIDDEN, _UNAUTHORIZED, _TOO_MANY = 500, 403, 401, 429


def translate(error: ClientError | BotoCoreError) -> LecternError:
    """Say in our words what an error of boto3 means; raise the result ``from`` it."""
    if isinstance(error, ClientError):
        return _answered(error)
    kind = type(error).__name__
    if isinstance(error, _NO_CREDENTIALS):
        return EngineDenied(f"there are no credentials for Amazon Polly ({kind})")
    if isinstance(error, _UNREACHED):
        return Unavailable(f"Amazon Polly did not answer ({kind})")
    return EngineBroken(f"Amazon Polly is set up wrongly ({kind})")


def _answered(error: ClientError) -> LecternError:
    code = str(error.response.get("Error", {}).get("Code", "unknown"))
    status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    if code in _THROTTLED or status == _TOO_MANY:
        return Throttled(f"Amazon Polly asks us to slow down ({code})")
    if code in _REJECTED:
        return SpeechRejected(*_REJECTED[code])
    if code in _DENIED or status in (_UNAUTHORIZED, _FORBIDDEN):
        return EngineDenied(f"Amazon Polly refuses our credentials ({code})")
    if status >= _SERVER_ERROR or code == "ServiceFailureException":
        return Unavailable(f"Amazon Polly failed ({code})")
    return EngineBroken(f"Amazon Polly refuses the request ({code})")
