import pytest

from services.segmenter.wording.tests.test_numbers import spoken


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Mr. X vs. Mrs. Y", "Mister X versus Missus Y"),
        ("e.g.x", "e.g.x"),
        ("at 5 p.m. The end", "at 5 PM. The end"),
        ("at 5 p.m. Monday", "at 5 PM Monday"),
        ("and so on, etc.", "and so on, et cetera."),
        ("etc. Cats", "et cetera. Cats"),
        ("no.5, No. 5, no. Five", "number 5, number 5, no. Five"),
        ("Sept. 5, 5 Sept. 2020, Sept. rain", "September 5, 5 September 2020, Sept. rain"),
        ("St. Paul, Elm St. and Elm St. The", "Saint Paul, Elm Street and Elm Street. The"),
        ("U.S. Navy, the U.S.", "U S Navy, the U S."),
    ],
)
def test_english_abbreviations(text: str, expected: str):
    assert spoken(text) == expected


@pytest.mark.parametrize(
    ("language", "text", "expected"),
    [
        ("fr", "M. Dupont et J. M. Coetzee", "Monsieur Dupont et J. M. Coetzee"),
        ("de", "z.B. und z. B. und usw. Er", "zum Beispiel und zum Beispiel und und so weiter. Er"),
        ("es", "La Sra. Ruiz, pág. 5", "La Señora Ruiz, página 5"),
        ("xx", "Dr. No & 5 %", "Dr. No & 5 %"),
    ],
)
def test_other_languages(language: str, text: str, expected: str):
    assert spoken(text, language) == expected
