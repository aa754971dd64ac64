from services.segmenter.markdown.html_blocks import html_parts
from services.segmenter.wording.aligned import Omitted


def read(source: str) -> tuple[list[str], list[str]]:
    omitted: list[Omitted] = []
    parts = [source[slice(*part)] for part in html_parts(source, 0, len(source), omitted)]
    return parts, [source[omission.start : omission.end] for omission in omitted]


def test_text_is_split_at_tags_that_break_lines():
    parts, omitted = read("<div>\na <i>b</i>\n<p class='x'>c</p>\n\nd</div>")
    assert parts == ["a <i>b</i>", "c", "d"]
    assert omitted == ["<div>", "<p class='x'>", "</p>", "</div>"]


def test_comments_and_scripts_are_not_read():
    assert read("<!-- a\n\nb -->c<script>d</script>e<style>f") == (
        ["c", "e"],
        ["<!-- a\n\nb -->", "<script>d</script>", "<style>f"],
    )
