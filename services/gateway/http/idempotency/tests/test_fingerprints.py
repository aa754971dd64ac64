import pytest
from starlette.requests import Request

from services.gateway.http.idempotency.fingerprints import Fingerprint

JSON, OCTETS = "application/json", "application/octet-stream"


def request_of(content_type=JSON, path="/things", query=b"", method="POST"):
    headers = [(b"content-type", content_type.encode())]
    scope = {"type": "http", "method": method, "path": path, "query_string": query}
    return Request({**scope, "headers": headers, "server": ("x", 80), "scheme": "http"})


def printed(request, *pieces):
    fingerprint = Fingerprint(request)
    for piece in pieces:
        fingerprint.update(piece)
    return fingerprint.hexdigest()


def form(boundary="b", name="file", content="text", kind="text/plain"):
    return (
        f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"\r\n'
        f"Content-Type: {kind}\r\n\r\n{content}\r\n--{boundary}--\r\n"
    ).encode()


def of_form(body, boundary="b", pieces=1):
    size = -(-len(body) // pieces)
    cut = [body[at : at + size] for at in range(0, len(body), size)]
    return printed(request_of(f"multipart/form-data; boundary={boundary}"), *cut)


def test_it_is_the_same_in_whatever_pieces_the_body_comes():
    whole = printed(request_of(OCTETS), b"0123456789")
    assert printed(request_of(OCTETS), b"012", b"", b"3456789") == whole
    assert len(whole) == 64


@pytest.mark.parametrize(
    "other",
    [
        {"content_type": "text/plain"},
        {"path": "/thing"},
        {"query": b"a=1"},
        {"method": "PUT"},
    ],
)
def test_it_is_another_for_another_request(other):
    assert printed(request_of(**other), b"{}") != printed(request_of(), b"{}")
    assert printed(request_of(), b"{} ") != printed(request_of(), b"{}")
    assert printed(request_of("application/json; charset=utf-8"), b"{}") == printed(
        request_of(), b"{}"
    )


def test_of_a_form_only_the_fields_count():
    known = of_form(form())
    assert of_form(form(), pieces=7) == of_form(form(), pieces=len(form())) == known
    assert of_form(form("another"), "another") == known
    for other in (form(name="title"), form(content="texts"), form(kind="text/html")):
        assert of_form(other) != known


def test_what_moves_between_fields_is_noticed():
    def two(first, second):
        return of_form(form(content=first)[: -len("--b--\r\n")] + form(content=second))

    assert two("ab", "c") != two("a", "bc")


@pytest.mark.parametrize(
    "kind", ["multipart/form-data", "multipart/form-data; boundary=" + "x" * 300]
)
def test_what_is_no_form_has_one_all_the_same(kind):
    assert printed(request_of(kind), b"abc") == printed(request_of(kind), b"a", b"bc")
    assert of_form(b"no form at all") == of_form(b"no form at all")
