import pytest

from libs.common.observability.secret_patterns import MASK, is_secret_name, mask_patterns

JWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9P"


@pytest.mark.parametrize(
    "name",
    [
        "password", "PASSWORD", "passwd", "pwd", "MYSQL_PWD", "DB_PASSWORD", "PGPASSWORD",
        "dbPassword", "user.password", "kafka_sasl_password", "password_hash",
        "token", "access_token", "accessToken", "X-Amz-Security-Token", "id-token", "csrfToken",
        "aws_secret_access_key", "AWS_ACCESS_KEY_ID", "secret", "client_secret", "SECRET_KEY",
        "api-key", "apiKey", "x-api-key", "APIKEY", "private_key", "signing_key",
        "authorization", "Proxy-Authorization", "cookie", "Set-Cookie", "session_id", "sessionId",
        "sessionid", "PHPSESSID", "JSESSIONID", "X-Amz-Signature", "signature", "sig", "jwt",
        "credentials", "X-Amz-Credential", "passphrase", "webhook_secret",
    ],
)  # fmt: skip
def test_secret_names(name):
    assert is_secret_name(name)


@pytest.mark.parametrize(
    "name",
    [
        "keyboard", "access", "username", "user", "key", "monkey", "object_key", "tokenizer",
        "author", "authority", "secretary", "passwordless", "compass", "session", "sessions",
        "signal", "design", "assignature_", "cookiecutter", "id", "document_id", "public_key",
        "key_id", "keys", "token_count", "password_changed_at", "secret_name", "token_type",
        "tokens", "", "_", "é", "accessibility",
    ],
)  # fmt: skip
def test_harmless_names(name):
    assert not is_secret_name(name)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("password=hunter2", f"password={MASK}"),
        ("password = hunter2, next", f"password = {MASK}, next"),
        ("login failed: password=hunter2 for jo", f"login failed: password={MASK} for jo"),
        ('{"password": "two words", "page": 3}', f'{{"password": "{MASK}", "page": 3}}'),
        ("{'api-key': 'a\\'b', 'n': 1}", f"{{'api-key': '{MASK}', 'n': 1}}"),
        ('{\\"token\\": \\"abc\\"}', f'{{\\"token\\": \\"{MASK}\\"}}'),
        # JSON in a string, in the repr of that, and in JSON again
        (r'{\\"token\\": \\"abc\\", \\"n\\": 1}', rf'{{\\"token\\": \\"{MASK}\\", \\"n\\": 1}}'),
        (r'{\\\"token\\\": \\\"a b\\\"}', rf'{{\\\"token\\\": \\\"{MASK}\\\"}}'),
        ("{b'cookie': b'a=b; c=d'}", f"{{b'cookie': b'{MASK}'}}"),
        ("[(b'authorization', b'Bearer x1y2z3')]", f"[(b'authorization', b'{MASK}')]"),
        ("aws_secret_access_key => abc", f"aws_secret_access_key => {MASK}"),
        ("secret='unterminated", f"secret='{MASK}"),
        ("tokens: ok, token: ['a', 'b'] end", f"tokens: ok, token: {MASK} end"),
        ("config.session_id: abc", f"config.session_id: {MASK}"),
        ("AWS_ACCESS_KEY_ID=AKIAIOSFODNN7EXAMPLE", f"AWS_ACCESS_KEY_ID={MASK}"),
        ("found AKIAIOSFODNN7EXAMPLE.", f"found {MASK}."),
        (f"got {JWT}!", f"got {MASK}!"),
        ("ghp_" + "a1" * 18, MASK),
        ("Bearer abcdef123456", f"Bearer {MASK}"),
        ("bearer q", "bearer q"),
        ("Basic dXNlcjpwYXNzd29yZA==", f"Basic {MASK}"),
        ("Authorization: Bearer abc def\nnext: 1", f"Authorization: {MASK}\nnext: 1"),
        ("Cookie: a=1; b=2\r\nHost: x", f"Cookie: {MASK}\r\nHost: x"),
        ("set-cookie: sid=1; Path=/", f"set-cookie: {MASK}"),
        ("postgresql+asyncpg://u:p4ss@db:5432/x", f"postgresql+asyncpg://u:{MASK}@db:5432/x"),
        ("redis://:p4ss@cache", f"redis://:{MASK}@cache"),
        ("amqp://u:p@ss/word@host/x", f"amqp://u:{MASK}@host/x"),
        ("https://0123456789abcdef@sentry/1", f"https://{MASK}@sentry/1"),
        ("https://b/k?X-Amz-Date=2026&X-Amz-Signature=beef&x=1",
         f"https://b/k?X-Amz-Date=2026&X-Amz-Signature={MASK}&x=1"),
        ("run --password hunter2 --page 3", f"run --password {MASK} --page 3"),
        ("mail jo.doe+x@mail.example.com now", f"mail {MASK} now"),
        ("<jo@example.org>", f"<{MASK}>"),
        ("a\n-----BEGIN RSA PRIVATE KEY-----\nMIIB\n-----END RSA PRIVATE KEY-----\nb",
         f"a\n{MASK}\nb"),
        ("-----BEGIN PRIVATE KEY-----\nMIIB cut off", MASK),
    ],
)  # fmt: skip
def test_secrets_in_text(text, expected):
    assert mask_patterns(text) == expected
    assert mask_patterns(expected) == expected


@pytest.mark.parametrize(
    "text",
    [
        "page 3 of document 0b0f0a8e-7f0c-4a39-8f3e-3b4df6a8e2a1 extracted in 0.25 s",
        "sha256 e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        "GET http://localhost:8080/documents?page=2&user=jo HTTP/1.1",
        "keyboard=us access=all username=jo key=documents/1/source",
        "Basic understanding of bearer instruments and token rings",
        "the password was changed; the cookie jar is empty",
        "traceparent 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        "ratio 3:1 at 10:45:00, see module.py:12, C:\\books\\a.epub",
        "decorated with @app.get and user@host and 5@3",
        "token_count=5 password_changed_at=2026-11-23",
        "eyJust a word",
        "--verbose --keyboard us --page 3",
        "",
    ],
)
def test_harmless_text_is_left_alone(text):
    assert mask_patterns(text) == text
