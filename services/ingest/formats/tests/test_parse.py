import os
import re
import subprocess
import sys

import pytest
from docx import Document

from services.ingest.formats.parse import parse_file
from services.ingest.pages.document import Page
from services.ingest.pages.reasons import Reason, rejected
from services.ingest.tests.samples import SENTENCE, docx_file, epub, pdf, read

TEXTS = {
    "cp1250": "Zażółć gęślą jaźń, król Łokietek był źle widziany. ",
    "koi8_r": "Съешь ещё этих мягких французских булок да выпей чаю. ",
    "shift_jis": "吾輩は猫である。名前はまだ無い。どこで生れたか見当がつかぬ。",
    "gb18030": "我们都是中国人,今天天气很好,我们去公园散步。",
    "iso8859_7": "Η γρήγορη καφέ αλεπού πηδάει πάνω από το σκυλί. ",
}


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
    with path.open("rb") as file:
        pages = parse_file(file)
        assert isinstance(next(pages), Page)
        pages.close()  # type: ignore[attr-defined]


@pytest.mark.slow
def test_nothing_is_loaded_after_the_preload(tmp_path):
    """A confined process could not: whatever a document needs is loaded before it comes."""
    pdf(tmp_path / "1", [["Text."]], header="Book {}")
    epub(tmp_path / "2", [("One", f"<p>{SENTENCE}</p>")])
    (tmp_path / "3").write_text(f"<html><body><p>{SENTENCE}</p></body></html>")
    (tmp_path / "4").write_text(f"# One\n\n{SENTENCE}\n\n| a | b |\n|---|---|\n| 1 | 2 |")
    for at, (encoding, text) in enumerate(TEXTS.items(), 5):
        (tmp_path / str(at)).write_bytes((text * 40).encode(encoding))
    docx_file(tmp_path / "20", Document())
    script = f"""
import sys
from pathlib import Path
from libs.common.errors import Rejected
from services.ingest.formats.parse import parse_file, preload
preload()
before = set(sys.modules)
for path in Path({str(tmp_path)!r}).iterdir():
    with path.open("rb") as file:
        try:
            print(len(list(parse_file(file, None))))
        except Rejected:
            print(0)
print(sorted(set(sys.modules) - before))
"""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, env=environment, check=True
    )
    *found, loaded = done.stdout.splitlines()
    assert found.count("0") == 1  # the last one has no text
    assert loaded == "[]"


@pytest.mark.parametrize("reason", Reason)
def test_reasons_are_sentences_for_people(reason):
    error = rejected(reason, "It has 7 parts.")
    assert error.code == reason.name.lower()
    assert re.fullmatch(r"[A-Z].*\. It has 7 parts\.", str(error))
