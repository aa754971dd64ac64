import pytest

from services.ingest.pages.titles import document_title, filename_title


@pytest.mark.parametrize(
    ("given", "found", "filename", "title"),
    [
        ("Given", "Found", "file.txt", "Given"),
        (None, "Found", "file.txt", "Found"),
        ("", "Found", None, "Found"),
        (None, "", "My_file.txt", "My file"),
        (None, "", "_.txt", "Untitled"),
        (None, "", None, "Untitled"),
    ],
)
def test_the_owner_names_a_document_before_its_text_and_its_file(given, found, filename, title):
    assert document_title(given, found, filename) == title


def test_a_title_is_not_endless():
    assert document_title("x" * 1000, "", None) == "x" * 255


def test_a_file_name_becomes_a_title():
    assert filename_title("dir/my_book-v2.txt") == "my book-v2"
    assert filename_title("C:\\books\\One.epub") == "One"
    assert filename_title(None) == ""
