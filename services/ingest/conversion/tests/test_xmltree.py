import pytest

from libs.common.errors import Rejected
from services.ingest.conversion.xmltree import parse_html, parse_page, parse_xml, text_of, too_deep


def test_named_characters_are_put_in():
    doctype = b'<!DOCTYPE html PUBLIC "-//W3C//DTD XHTML 1.1//EN" "x">'
    page = doctype + b"<p>a&nbsp;b&eacute;<b>&mdash;</b></p>"
    root, well_formed = parse_page(page)
    assert text_of(root) == "a bé—"
    assert well_formed


def test_broken_pages_are_read_as_html_and_flagged():
    root, well_formed = parse_page(b"<p>a<br>b &copy; <p>c")
    assert "".join(map(str, root.itertext())) == "ab © c"
    assert not well_formed


def test_the_text_of_an_element_is_all_that_is_in_it():
    root = parse_xml(b"<x>1<p>a <b>b</b>\n c<!-- d --> e<i/>f</p>2</x>")
    assert text_of(root[0]) == "a b c ef"
    assert text_of(None) == ""


@pytest.mark.parametrize(
    "data",
    [
        b'<!DOCTYPE a [<!ENTITY x "y">]><a>&x;</a>',
        b'<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><a>&x;</a>',
        b'<!DOCTYPE a [<!ENTITY % x "y"> %x;]><a/>',
    ],
)
def test_entities_of_its_own_make_a_document_unsafe(data):
    for parse in (parse_xml, parse_page):
        with pytest.raises(Rejected) as caught:
            parse(data)
        assert caught.value.code == "unsafe"


def test_depth():
    assert too_deep(parse_html(b"<div>" * 500))
    assert not too_deep(parse_html(b"<div>" * 50))
    assert parse_html("").tag == "html"
