import pytest
from reportlab.lib.pagesizes import A4
from reportlab.lib.pdfencrypt import StandardEncryption
from reportlab.lib.styles import getSampleStyleSheet
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import BaseDocTemplate, Frame, PageTemplate, Paragraph, Table

from libs.common.errors import Rejected
from services.ingest.pages.document import Page
from services.ingest.tests.samples import pdf, read

BODY = [
    "The harbor was quiet when the ferry came in, and the two men on the",
    "quay looked at each other without saying anything about the letter.",
]


def text(pages: list[Page]) -> str:
    return "\n\n".join(page.markdown for page in pages)


@pytest.mark.slow
def test_lines_become_paragraphs(tmp_path):
    pages, metadata = read(pdf(tmp_path / "a.pdf", [[*BODY, "", "A second paragraph."]]))
    assert pages[0].markdown == " ".join(BODY) + "\n\nA second paragraph."
    assert metadata.media_type == "application/pdf"
    assert metadata.language == "en"


@pytest.mark.slow
def test_headers_and_footers_go_and_sentence_final_years_stay(tmp_path):
    bodies = [
        [f"Chapter text number {word} begins here.", "She was born in", "1984."]
        for word in ("one", "two", "three", "four", "five")
    ]
    path = pdf(tmp_path / "a.pdf", bodies, header="The Harbor, page {}", footer="{}")
    pages, _ = read(path)
    assert len(pages) == 5
    for page in pages:
        assert page.markdown.endswith("She was born in 1984.")
        assert "The Harbor" not in page.markdown


def test_last_line_that_is_a_year_stays_at_the_very_bottom(tmp_path):
    full = [f"Line {at} of the page goes on and on until the margin" for at in range(51)]
    pages, _ = read(
        pdf(tmp_path / "a.pdf", [[*full, f"and ended in {1980 + at}."] for at in range(4)])
    )
    assert [page.markdown[-14:] for page in pages] == [f"ended in {1980 + at}." for at in range(4)]


def test_hyphens_at_line_ends_go(tmp_path):
    lines = ["This is an exam-", "ple of infor-", "mation, well-", "known to the Anglo-", "Saxons."]
    pages, _ = read(pdf(tmp_path / "a.pdf", [lines]))
    assert pages[0].markdown == "This is an example of information, well-known to the Anglo-Saxons."


def test_sentence_moves_to_the_page_where_it_begins(tmp_path):
    first = [*BODY, "Then the older one put his hand into his"]
    second = ["pocket and took it out. A new sentence starts.", "And another."]
    pages, _ = read(pdf(tmp_path / "a.pdf", [first, second]))
    assert pages[0].markdown.endswith("put his hand into his pocket and took it out.")
    assert pages[1].markdown == "A new sentence starts. And another."


def test_page_that_is_only_the_rest_of_a_sentence_leaves_no_gap(tmp_path):
    bodies = [[*BODY, "He went to the"], ["end of the long pier."], ["Then he went home."]]
    pages, _ = read(pdf(tmp_path / "a.pdf", bodies))
    assert pages[0].markdown.endswith("He went to the end of the long pier.")
    assert [(page.number, page.markdown) for page in pages[1:]] == [(2, "Then he went home.")]


def test_slides_of_a_line_each_stay_pages(tmp_path):
    slides = ["Our Plans for the Year", "What We Did. What We Learned", "the budget", "Questions"]
    pages, _ = read(pdf(tmp_path / "a.pdf", [[slide] for slide in slides], size=24))
    assert [page.markdown for page in pages] == slides


def test_a_noun_with_a_capital_moves_back_after_a_full_line(tmp_path):
    first = [*BODY, "On that long and quiet evening at the end of May he wrote to the"]
    second = ["Mayor of the town. A new sentence starts.", "And another."]
    pages, _ = read(pdf(tmp_path / "a.pdf", [first, second]))
    assert pages[0].markdown.endswith("he wrote to the Mayor of the town.")
    assert pages[1].markdown == "A new sentence starts. And another."


def test_blank_pages_are_not_counted_and_outline_gives_chapters(tmp_path):
    canvas = Canvas(str(tmp_path / "a.pdf"), pagesize=A4)
    canvas.setTitle("The Harbor")
    canvas.setAuthor("Ida Berg")
    for number, name in enumerate(("First", "", "Second")):
        if name:
            canvas.bookmarkPage(name)
            canvas.addOutlineEntry(name, name, level=0)
            canvas.drawString(72, 700, f"Text of part {number} is here.")
        canvas.showPage()
    canvas.save()
    pages, metadata = read(tmp_path / "a.pdf")
    assert [(chapter.title, chapter.first_page) for chapter in metadata.chapters] == [
        ("First", 1),
        ("Second", 2),
    ]
    assert [page.title for page in pages] == ["First", "Second"]
    assert (metadata.title, metadata.author) == ("The Harbor", "Ida Berg")


def test_two_columns_are_read_one_after_the_other_with_headings(tmp_path):
    styles = getSampleStyleSheet()
    words = [
        "the",
        "sea",
        "was",
        "calm",
        "and",
        "the",
        "crew",
        "had",
        "nothing",
        "to",
        "do",
        "but",
        "to",
        "wait",
        "for",
        "the",
        "evening",
    ]
    paragraphs = [
        " ".join(words[at % 7 :] + words[: at % 7]).capitalize() + f" number {at}."
        for at in range(60)
    ]
    width = (A4[0] - 164) / 2
    frames = [Frame(72 + at * (width + 20), 60, width, 680, 0, 0, 0, 0) for at in range(2)]
    document = BaseDocTemplate(str(tmp_path / "a.pdf"), pagesize=A4)
    document.addPageTemplates([PageTemplate(frames=frames)])
    heading = Paragraph("A Heading", styles["Heading1"])
    document.build(
        [heading, *(Paragraph(paragraph, styles["BodyText"]) for paragraph in paragraphs)]
    )
    pages, _ = read(tmp_path / "a.pdf")
    assert text(pages).split() == ["#", "A", "Heading", *" ".join(paragraphs).split()]


def test_tables_are_read_row_by_row(tmp_path):
    styles = getSampleStyleSheet()
    document = BaseDocTemplate(str(tmp_path / "a.pdf"), pagesize=A4)
    document.addPageTemplates([PageTemplate(frames=[Frame(72, 60, 450, 700)])])
    rows = [["Port", "Ships", "Days"], ["Oslo", "12", "3"], ["Riga", "7", "5"]]
    before = Paragraph(
        "The table shows what came in during that long week in May.", styles["BodyText"]
    )
    document.build([before, Table(rows, colWidths=100)])
    pages, _ = read(tmp_path / "a.pdf")
    assert "| Port | Ships | Days |" in pages[0].markdown
    assert "| Oslo | 12 | 3 |\n| Riga | 7 | 5 |" in pages[0].markdown


def test_headings_by_size_and_list_items(tmp_path):
    canvas = Canvas(str(tmp_path / "a.pdf"), pagesize=A4)
    canvas.setFont("Helvetica", 20)
    canvas.drawString(72, 760, "Big Title")
    canvas.setFont("Helvetica", 11)
    for at, line in enumerate([*BODY, "1. first thing", "2. second thing", "• a bullet"]):
        canvas.drawString(72, 720 - 15 * at, line)
    canvas.save()
    pages, metadata = read(tmp_path / "a.pdf")
    assert pages[0].markdown.startswith("# Big Title\n\nThe harbor")
    assert "1. first thing\n2. second thing\n- a bullet" in pages[0].markdown
    assert metadata.title == "Big Title"
    assert metadata.chapters[0].title == "Big Title"


def test_a_title_page_does_not_hide_the_chapters(tmp_path):
    canvas = Canvas(str(tmp_path / "a.pdf"), pagesize=A4)
    for size, name in ((20, "Big Title"), (15, "First"), (15, "Second"), (15, "Third")):
        canvas.setFont("Helvetica", size)
        canvas.drawString(72, 760, name)
        canvas.setFont("Helvetica", 11)
        for at, line in enumerate(BODY * 7):
            canvas.drawString(72, 720 - 15 * at, line)
        canvas.showPage()
    canvas.save()
    _, metadata = read(tmp_path / "a.pdf")
    assert [(chapter.title, chapter.first_page) for chapter in metadata.chapters] == [
        ("Big Title", 1),
        ("First", 2),
        ("Second", 3),
        ("Third", 4),
    ]


def test_rotated_pages_read_like_others(tmp_path):
    canvas = Canvas(str(tmp_path / "a.pdf"), pagesize=A4)
    canvas.rotate(90)
    for at, line in enumerate(BODY):
        canvas.drawString(72, -100 - 15 * at, line)
    canvas.save()
    pages, _ = read(tmp_path / "a.pdf")
    assert pages[0].markdown == " ".join(BODY)


def test_text_that_looks_like_markdown_stays_text(tmp_path):
    pages, _ = read(pdf(tmp_path / "a.pdf", [["# of *items* in [a](b) and <b>"]]))
    assert pages[0].markdown == r"\# of \*items\* in \[a](b) and \<b>"


def test_encrypted_is_rejected(tmp_path):
    canvas = Canvas(str(tmp_path / "a.pdf"), encrypt=StandardEncryption("secret"))
    canvas.drawString(72, 700, "Secret")
    canvas.save()
    with pytest.raises(Rejected, match="password") as caught:
        read(tmp_path / "a.pdf")
    assert caught.value.code == "encrypted"


def test_pdf_without_text_is_rejected(tmp_path):
    with pytest.raises(Rejected) as caught:
        read(pdf(tmp_path / "a.pdf", [[], []]))
    assert caught.value.code == "no_text"


def test_truncated_is_rejected(tmp_path):
    path = pdf(tmp_path / "a.pdf", [BODY])
    path.write_bytes(path.read_bytes()[:300])
    with pytest.raises(Rejected) as caught:
        read(path)
    assert caught.value.code in ("damaged", "no_text")
