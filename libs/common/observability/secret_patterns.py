"""What secrets look like: names of fields that hold them, and shapes of text that are them.

Every expression runs in time linear in the text: repetitions are bounded, or begin only where a
word begins.
"""

import base64
import binascii
import re
from collections.abc import Callable
from functools import lru_cache, partial
from itertools import pairwise

MASK = "[redacted]"

_SECRET_WORDS = {
    "apikey", "accesskey", "secretkey", "privatekey",
    "authorization", "authtoken", "accesstoken", "refreshtoken", "idtoken", "csrftoken",
    "cookie", "cookies", "credential", "credentials", "jwt", "passphrase", "passwd", "password",
    "passwords", "pwd", "secret", "secrets", "sessid", "sessionid", "sig", "signature", "token",
}  # fmt: skip
_SECRET_PAIRS = {
    ("access", "key"), ("account", "key"), ("api", "key"), ("auth", "key"), ("encryption", "key"),
    ("private", "key"), ("secret", "key"), ("session", "id"), ("session", "key"),
    ("shared", "key"), ("signing", "key"),
}  # fmt: skip
_SECRET_ENDINGS = ("password", "passwd", "sessionid", "sessid")
# A name that ends like this says something about a secret and does not hold it.
_ABOUT_SECRETS = {"at", "count", "length", "name", "ttl", "type"}

_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+")

_PRIVATE_KEY = re.compile(
    r"-----BEGIN [A-Z ]{0,40}PRIVATE KEY(?: BLOCK)?-----"
    r".*?(?:-----END [A-Z ]{0,40}PRIVATE KEY(?: BLOCK)?-----|\Z)",
    re.DOTALL,
)
_CLOUD_KEY = re.compile(
    r"(?<![A-Za-z0-9])(?:"
    r"(?:AKIA|ASIA|ABIA|ACCA|AGPA|AIDA|AROA)[A-Z0-9]{16}"
    r"|AIza[A-Za-z0-9_-]{35}"
    r"|gh[oprsu]_[A-Za-z0-9]{36,255}"
    r"|sk-[A-Za-z0-9_-]{20,255}"
    r"|whsec_[A-Za-z0-9+/=_-]{16,255}"
    r")(?![A-Za-z0-9])"
)
_JWT = re.compile(r"(?<![\w-])eyJ[\w-]{4,8192}\.[\w-]{4,8192}(?:\.[\w-]{0,8192}){0,3}")
_SCHEME = re.compile(r"(?i)\b(bearer|basic|digest)(\s{1,3})([A-Za-z0-9+/_.~=-]{6,8192})")
_PROSE = re.compile(r"[A-Za-z]?[a-z]{1,18}(?:-[a-z]{1,18})?[.]?")
_URL_PASSWORD = re.compile(
    r"(?<![A-Za-z0-9+.-])([A-Za-z][A-Za-z0-9+.-]{1,31}://[^\s/:@\"'<>]{0,256}:)"
    r"(?!\d{1,5}(?:[/?#]|$))[^\s\"'<>]{1,1024}@"
)
_URL_TOKEN = re.compile(r"(?<=://)[^\s/:@\"'<>]{16,1024}(?=@)")
_EMAIL = re.compile(
    r"(?<![\w.%+-])[\w.%+-]{1,256}@(?:[A-Za-z0-9-]{1,63}\.){1,8}[A-Za-z]{2,24}(?![A-Za-z0-9])"
)
_VALUE = (
    r"(?:"
    r"\\{2,3}\"[^\"\\]{0,8192}\\{2,3}\""
    r"|\\\"(?:[^\"\\]|\\[^\"]){0,8192}\\\""
    r"|\"(?:[^\"\\]|\\.){0,8192}\"|'(?:[^'\\]|\\.){0,8192}'"
    r"|\[[^\[\]]{0,1024}\]|\{[^{}]{0,1024}\}|\([^()]{0,1024}\)"
    r"|[\"']?[^\s,;&\"'<>(){}\[\]]{1,8192}"
    r")"
)
_FIELD_VALUE = re.compile(_VALUE)
_QUOTE = re.compile(r"\\{1,3}\"|[\"']")
_FIELD = re.compile(
    r"(?<![A-Za-z0-9_.-])([A-Za-z][\w.-]{1,79})"
    r"\\{0,3}[\"']?(?:\s{0,3}(?:=>|:=|[:=])\s{0,3}|(?<=[\"']),\s{0,3})(?:b(?=[\"']))?"
)
_LINE = re.compile(
    r"(?i)(?<![A-Za-z0-9_.-])(?P<lead>[\w-]{0,40}(?:authorization|cookie)\s{0,3}[:=]\s{0,3})"
    r"(?P<value>[^\s\"'][^\r\n\"']{0,8192})"
)
_OPTION = re.compile(rf"(?<!\S)(?P<lead>--?(?P<name>[A-Za-z][\w-]{{1,79}})\s{{1,3}})(?!-){_VALUE}")


@lru_cache(maxsize=4096)
def is_secret_name(name: str) -> bool:
    """Tell whether a field of this name holds a secret. Whole words count, in any spelling.

    ``aws_secret_access_key``, ``api-key`` and ``sessionId`` do; ``keyboard``, ``access``,
    ``username`` and ``token_count`` do not.
    """
    words = [word.lower() for word in _WORD.findall(name[:200])]
    if not words or words[-1] in _ABOUT_SECRETS:
        return False
    return any(
        word in _SECRET_WORDS or word.endswith(_SECRET_ENDINGS) for word in words
    ) or not _SECRET_PAIRS.isdisjoint(pairwise(words))


def mask_patterns(text: str) -> str:
    """Return ``text`` with everything that looks like a secret masked."""
    for signs, mask in _STEPS:
        if any(sign in text for sign in signs):
            text = mask(text)
    return text


def _mask_scheme(found: re.Match[str]) -> str:
    scheme, space, value = found.groups()
    prose = not _is_basic(value) if scheme.lower() == "basic" else bool(_PROSE.fullmatch(value))
    return found[0] if prose else f"{scheme}{space}{MASK}"


def _is_basic(value: str) -> bool:
    """Tell whether ``value`` is ``user:password`` in base64 (RFC 7617), which prose is not."""
    try:
        return b":" in base64.b64decode(value + "=" * (-len(value) % 4), validate=True)
    except (binascii.Error, ValueError):
        return False


def _mask_fields(text: str) -> str:
    """Mask the values of fields with secret names, wherever they stand in each other."""
    parts, done, at = list[str](), 0, 0
    while found := _FIELD.search(text, at):
        at = found.end()
        value = _FIELD_VALUE.match(text, at) if is_secret_name(found[1]) else None
        if value:
            parts += text[done:at], _masked(value[0])
            done = at = value.end()
    return "".join(parts) + text[done:]


def _masked(value: str) -> str:
    """Return the mask in the quotes of ``value``."""
    quoted = _QUOTE.match(value)
    mark = quoted[0] if quoted else ""
    closed = value.endswith(mark) and value != mark
    return f"{mark}{MASK}{mark if closed else ''}"


def _mask_option(found: re.Match[str]) -> str:
    return f"{found['lead']}{MASK}" if is_secret_name(found["name"]) else found[0]


# Each with what has to be there for it to match, because looking for that is quick.
_STEPS: tuple[tuple[tuple[str, ...], Callable[[str], str]], ...] = (
    (("-----BEGIN ",), partial(_PRIVATE_KEY.sub, MASK)),
    (("://",), partial(_URL_PASSWORD.sub, rf"\1{MASK}@")),
    (("://",), partial(_URL_TOKEN.sub, MASK)),
    ((":", "="), partial(_LINE.sub, rf"\g<lead>{MASK}")),
    ((":", "=", ","), _mask_fields),
    (("-",), partial(_OPTION.sub, _mask_option)),
    ((" ", "\t"), partial(_SCHEME.sub, _mask_scheme)),
    (("eyJ",), partial(_JWT.sub, MASK)),
    (("",), partial(_CLOUD_KEY.sub, MASK)),
    (("@",), partial(_EMAIL.sub, MASK)),
)
