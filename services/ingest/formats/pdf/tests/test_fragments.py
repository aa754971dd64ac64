import pypdfium2 as pdfium
import pytest
from reportlab.lib.pagesizes import A4
from reportlab.pdfgen.canvas import Canvas

from services.ingest.formats.pdf.fragments import Fragment, fragments


def fragments_of(canvas: Canvas, path: str) -> list[Fragment]:
    canvas.save()
    document = pdfium.PdfDocument(path)
    try:
        return fragments(document[0])
    finally:
        document.close()


@pytest.fixture
def path(tmp_path):
    return str(tmp_path / "a.pdf")


def test_words_of_a_line_are_one_fragment_up_to_a_wide_gap(path):
    canvas = Canvas(path, pagesize=A4)
    canvas.setFont("Helvetica", 10)
    canvas.drawString(72, 700, "The ferry left")
    canvas.drawString(300, 700, "7.50")
    left, right = fragments_of(canvas, path)
    assert (left.text, right.text) == ("The ferry left", "7.50")
    assert left.size == pytest.approx(10, abs=0.2)
    assert left.left == pytest.approx(72, abs=1)
    assert left.bottom < 700 < left.top


def test_what_runs_in_another_direction_is_left_out(path):
    canvas = Canvas(path, pagesize=A4)
    canvas.drawString(72, 700, "The ferry left before dawn")
    canvas.rotate(90)
    canvas.drawString(100, -560, "stamp")
    assert [fragment.text for fragment in fragments_of(canvas, path)] == [
        "The ferry left before dawn"
    ]


def test_text_that_runs_upwards_is_turned(path):
    canvas = Canvas(path, pagesize=A4)
    canvas.rotate(90)
    canvas.drawString(100, -300, "The ferry left")
    [found] = fragments_of(canvas, path)
    assert found.text == "The ferry left"
    assert found.right - found.left > found.top - found.bottom
