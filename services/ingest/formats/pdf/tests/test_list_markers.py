import pytest

from services.ingest.formats.pdf.list_markers import is_list_marker, split_list_marker


@pytest.mark.parametrize("text", ["•", " – ", "12.", "(a)", "iv)", "✓"])
def test_list_markers(text):
    assert is_list_marker(text)


@pytest.mark.parametrize("text", ["", "a", "1984", "12. Text", "(see)"])
def test_other_texts(text):
    assert not is_list_marker(text)


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("• Rope and sails", ("- ", "Rope and sails")),
        ("03) Rope", ("3. ", "Rope")),
        ("a) Rope", None),
        ("-5 degrees", None),
        ("1984. It was", None),
        ("Rope and sails", None),
    ],
)
def test_a_marker_is_taken_off_its_item(text, parts):
    assert split_list_marker(text) == parts
