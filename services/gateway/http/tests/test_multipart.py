import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.gateway.http.multipart import MAX_PARTS, FormStream
from services.gateway.http.problems import Refused

MAX_BYTES = 200_000
TYPE = "multipart/form-data; boundary=xyz"
FORM = (
    b"--xyz\r\n"
    b'Content-Disposition: form-data; name="title"\r\n\r\n'
    b"Caf\xc3\xa9\r\n"
    b"--xyz\r\n"
    b'Content-Disposition: form-data; name="file"; filename="b\xc3\xbcch.txt"\r\n'
    b"Content-Type: text/plain\r\n\r\n"
    b"one\r\n--xy two\r\n\r\n"
    b"--xyz\r\n"
    b'Content-Disposition: form-data; name="empty"\r\n\r\n'
    b"\r\n"
    b"--xyz--\r\n"
)


async def pieces(body, sizes):
    at = 0
    for size in sizes:
        yield body[at : at + size]
        at += size
    yield body[at:]
    yield b""


async def read(body, sizes=(), content_type=TYPE):
    return [
        (part.name, part.filename, await part.text(1000))
        async for part in FormStream(content_type, pieces(body, sizes), MAX_BYTES).parts()
    ]


@pytest.mark.slow
@given(st.lists(st.integers(0, 40), max_size=60))
async def test_however_it_is_cut_it_is_the_same_form(sizes):
    assert await read(FORM, sizes) == [
        ("title", None, "Café"),
        ("file", "büch.txt", "one\r\n--xy two\r\n"),
        ("empty", None, ""),
    ]


async def test_what_is_not_read_is_skipped():
    form = FormStream(TYPE, pieces(FORM, [50] * 5), MAX_BYTES)
    assert [part.name async for part in form.parts()] == ["title", "file", "empty"]


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (FORM, "multipart/form-data"),
        (FORM[:-20], TYPE),
        (b"", TYPE),
        (FORM, "multipart/form-data; boundary=" + "x" * 500),
        (b"no form at all", TYPE),
        (b"--xyz\r\nContent-Disposition: form-data\r\n\r\nx\r\n--xyz--\r\n", TYPE),
        (FORM.replace(b"Caf\xc3\xa9", b"\xff"), TYPE),
        (FORM.replace(b"Caf\xc3\xa9", b"x" * 1001), TYPE),
        (FORM[:-9] * (MAX_PARTS + 1) + b"--xyz--\r\n", TYPE),
        (b"--xyz\r\n" + b"X: " + b"y" * 100_000 + b"\r\n\r\n--xyz--\r\n", TYPE),
    ],
)
async def test_bad_forms_are_refused(body, content_type):
    with pytest.raises(Refused) as refused:
        await read(body, content_type=content_type)
    assert (refused.value.status_code, refused.value.code) == (400, "bad_form")


async def test_a_form_as_a_whole_has_a_limit_even_where_it_is_skipped():
    head = b'--xyz\r\nContent-Disposition: form-data; name="unknown"\r\n\r\n'
    form = FormStream(TYPE, pieces(head + bytes(MAX_BYTES), [1000] * 300), MAX_BYTES)
    with pytest.raises(Refused) as refused:
        assert [part.name async for part in form.parts()] == ["unknown"]
    assert (refused.value.status_code, refused.value.code) == (413, "too_large")
