import pytest

from services.segmenter.wording.aligned import Draft
from services.segmenter.wording.normalize import spoken_edits
from services.segmenter.wording.numbers import year_in_words


def spoken(text: str, language: str = "en") -> str:
    draft = Draft()
    draft.add(text, 0, len(text), exact=True)
    return draft.finish().edited(spoken_edits(text, language)).text


@pytest.mark.parametrize(
    ("year", "words"),
    [
        (1984, "nineteen eighty-four"),
        (1905, "nineteen oh five"),
        (1800, "eighteen hundred"),
        (1913, "nineteen thirteen"),
        (1110, "eleven ten"),
        (1920, "nineteen twenty"),
    ],
)
def test_years_are_read_in_pairs(year: int, words: str):
    assert year_in_words(year) == words


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("In 1984, in 1984.5 and 1984 men", "In nineteen eighty-four, in 1984.5 and 1984 men"),
        ("the 1980s and 1910s", "the nineteen eighties and nineteen tens"),
        ("$1 $2 $1.50 $0.01", "1 dollar 2 dollars 1 dollar and 50 cents 1 cent"),
        ("$1,250,000 and $2.5bn", "1250000 dollars and 2.5 billion dollars"),
        ("1 km, 1.1 km, 21 km", "1 kilometer, 1.1 kilometers, 21 kilometers"),
        ("5 kmx", "5 kmx"),
        ("1,234 12,34 1,234,567.89", "1234 12,34 1234567.89"),
        ("10-20, 20-10, 1-2-3, A1-5, 3.5-4.5", "10 to 20, 20-10, 1-2-3, A1-5, 3.5 to 4.5"),
        ("1914 – 1918 and 10 - 5", "1914 to 1918 and 10 - 5"),
        ("$5-$10", "5 dollars to 10 dollars"),
        ("100%, 5 %", "100 percent, 5 percent"),
        ("2024-02-29 2023-02-29", "February 29, 2024 2023-02-29"),
        ("3×4 a=b -5 −5 2*3", "3 times 4 a=b -5 minus 5 2 times 3"),
        ("#1 F# #tag", "number 1 F sharp #tag"),
        ("-40 °F or 1°", "-40 degrees Fahrenheit or 1 degree"),
    ],
)
def test_english(text: str, expected: str):
    assert spoken(text) == expected


@pytest.mark.parametrize(
    ("language", "text", "expected"),
    [
        ("de", "1.234.567,89 € und 3,5 %", "1234567,89 Euro und 3,5 Prozent"),
        ("de", "§ 5, 1 Std, 2 l", "Paragraf 5, 1 Stunde, 2 Liter"),
        ("de", "§§ 5 und 6, §§5", "Paragrafen 5 und 6, Paragrafen 5"),
        ("en", "§§ 5 and 6, § 7", "sections 5 and 6, section 7"),
        ("fr", "§§ 5 et 6", "paragraphes 5 et 6"),
        ("es", "§§ 5 y 6", "secciones 5 y 6"),
        ("fr", "12\u202f345 km² à 5 €", "12345 kilomètres carrés à 5 euros"),
        ("es", "10–20 €, 1 °C", "10 a 20 euros, 1 grado Celsius"),
        ("it", "1.234 € 5 %", "1.234 € 5 %"),
    ],
)
def test_other_languages(language: str, text: str, expected: str):
    assert spoken(text, language) == expected
