import re

import pytest

from services.ingest.formats.parse import parse_file
from services.ingest.pages.document import Page
from services.ingest.pages.reasons import Reason, rejected
from services.ingest.tests.samples import SENTENCE, epub, pdf, read


def test_every_kind_is_told_by_its_content(tmp_path):
    files = {
        "application/pdf": pdf(tmp_path / "1", [["Text."]]),
        "application/epub+zip": epub(tmp_path / "2", [("One", "<p>Text.</p>")]),
    }
    for at, (media_type, text) in enumerate(
        {
            "text/html": "<html><body><p>Text.</p></body></html>",
            "text/markdown": "# Text.\n\n```\nx\n```",
            "text/plain": "Text.",
        }.items()
    ):
        files[media_type] = tmp_path / f"t{at}"
        files[media_type].write_text(text)
    for media_type, path in files.items():
        pages, metadata = read(path, "document")
        assert metadata.media_type == media_type
        assert "Text." in pages[0].markdown


def test_a_paragraph_of_200000_characters(tmp_path):
    path = tmp_path / "a.txt"
    path.write_text(SENTENCE * (200_000 // len(SENTENCE)))
    pages, _ = read(path)
    assert all(2000 < len(page.markdown) < 3000 for page in pages[:-1])
    assert all(page.markdown.endswith(".") for page in pages)


def test_the_first_page_comes_before_the_rest_is_read(tmp_path):
    path = epub(tmp_path / "a.epub", [("One", "<p>First.</p>"), ("Two", "<p>Second.</p>")])
    pages = parse_file(path)
    assert isinstance(next(pages), Page)
    pages.close()  # type: ignore[attr-defined]


@pytest.mark.parametrize("reason", Reason)
def test_reasons_are_sentences_for_people(reason):
    error = rejected(reason, "It has 7 parts.")
    assert error.code == reason.name.lower()
    assert re.fullmatch(r"[A-Z].*\. It has 7 parts\.", str(error))
