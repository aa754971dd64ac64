"""Markdown and what is spoken of it, utterance by utterance."""
# ruff: noqa: E501 - one case a line, in many scripts

import pytest

from services.segmenter.cutting.segment import segment_page

CASES: list[tuple[str, str, list[str]]] = [
    ("en", "# Chapter IV", ["Chapter 4"]),
    ("en", "## IV. The Road", ["4. The Road"]),
    ("en", "I\n=\n\nText", ["1", "Text"]),
    ("en", "# C. Code", ["C. Code"]),
    ("en", "Part II of World War II ended.", ["Part 2 of World War 2 ended."]),
    (
        "en",
        "Dr. Smith met Mr. and Mrs. Jones. Prof. Lee left.",
        ["Doctor Smith met Mister and Missus Jones.", "Professor Lee left."],
    ),
    (
        "en",
        "She arrived at 5 p.m. He left at 6 a.m. on Monday.",
        ["She arrived at 5 PM.", "He left at 6 AM on Monday."],
    ),
    (
        "en",
        "The U.S. Army left. He moved to the U.S. It was cold.",
        ["The U S Army left.", "He moved to the U S.", "It was cold."],
    ),
    (
        "en",
        "Apples, pears, etc. are fruit, i.e. sweet, e.g. figs vs. nuts.",
        ["Apples, pears, et cetera are fruit, that is sweet, for example figs versus nuts."],
    ),
    (
        "en",
        "St. John lives on Main St. in St. Louis. He left Elm St. She stayed.",
        ["Saint John lives on Main Street in Saint Louis.", "He left Elm Street.", "She stayed."],
    ),
    (
        "en",
        "See p. 12, pp. 14-18, vol. 3, Fig. 2 and No. 5.",
        ["See page 12, pages 14 to 18, volume 3, Figure 2 and number 5."],
    ),
    ("en", "No. That is not it.", ["No.", "That is not it."]),
    ("en", "On Jan. 5 and 3 Feb. 2020 it rained.", ["On January 5 and 3 February 2020 it rained."]),
    (
        "en",
        "It cost $3.5 million, then $5, $1, $3.50, $0.99 and US$20.",
        [
            "It cost 3.5 million dollars, then 5 dollars, 1 dollar, 3 dollars and 50 cents, 99 cents and 20 US dollars."
        ],
    ),
    (
        "en",
        "€20 or 30 € or £1.01, up 5% or 7 %.",
        ["20 euros or 30 euros or 1 pound and 1 penny, up 5 percent or 7 percent."],
    ),
    (
        "en",
        "1,234,567 people in 1984, the 1980s, 1905 and by 1800.",
        [
            "1234567 people in nineteen eighty-four, the nineteen eighties, 1905 and by eighteen hundred."
        ],
    ),
    (
        "en",
        "War of 1914-1918, pages 12–15, 1914–18.",
        ["War of 1914 to 1918, pages 12 to 15, 1914 to 18."],
    ),
    (
        "en",
        "Call 555-1234 or 978-3-16-148410-0; score 7-5.",
        ["Call 555-1234 or 978-3-16-148410-0; score 7-5."],
    ),
    ("en", "On 2024-05-17, not 2024-99-99.", ["On May 17, 2024, not 2024-99-99."]),
    (
        "en",
        "20 °C, 5 km/h, 1 km, 3 kg, 10 m² and 5G.",
        [
            "20 degrees Celsius, 5 kilometers per hour, 1 kilometer, 3 kilograms, 10 square meters and 5G."
        ],
    ),
    (
        "en",
        "The 1st, 2nd and 21st at 10:30, pi is 3.14.",
        ["The 1st, 2nd and 21st at 10:30, pi is 3.14."],
    ),
    (
        "en",
        "R&D, Marks & Spencer, 2 + 2 = 4, x < y, 3 × 4, ≤ 5, ~5, #7, C#.",
        [
            "R&D, Marks and Spencer, 2 plus 2 equals 4, x less than y, 3 times 4, less than or equal to 5, about 5, number 7, C sharp."
        ],
    ),
    (
        "en",
        "J. R. R. Tolkien wrote it. John F. Kennedy read it.",
        ["J. R. R. Tolkien wrote it.", "John F. Kennedy read it."],
    ),
    (
        "en",
        '"Really?" she said. He said: "Stop. Now." Then silence.',
        ['"Really?" she said.', 'He said: "Stop. Now."', "Then silence."],
    ),
    ("en", "Wait... what? No!", ["Wait... what?", "No!"]),
    (
        "en",
        "*Italic*, **bold**, ***both***, ~~gone~~, un*believ*able and snake_case.",
        ["Italic, bold, both, gone, unbelievable and snake case."],
    ),
    ("en", "Use `print(x)` and ``a`b``.", ["Use print(x) and a b."]),
    ("en", 'See [the site](https://example.org/a "title") now.', ["See the site now."]),
    ("en", "See [the site][1] now.\n\n[1]: https://example.org 'T'", ["See the site now."]),
    (
        "en",
        "Go to https://www.example.org/a_b?c=d, please (or http://x.io).",
        ["Go to link to example.org, please (or link to x.io)."],
    ),
    (
        "en",
        "<https://example.org/x> or <me@example.org>.",
        ["link to example.org or me@example.org."],
    ),
    ("en", '![A cat](cat.png "t") sits.', ["A cat sits."]),
    ("en", "![](cat.png)", []),
    ("en", "[![alt](i.png)](http://x.io) text", ["alt text"]),
    (
        "en",
        "A <b>bold</b> move.<br>Next <!-- hidden words --> line.",
        ["A bold move.", "Next line."],
    ),
    (
        "en",
        "<div>\nHello <i>there</i>\n<p>Second</p>\n</div>\n\n<script>\nvar x\n</script>",
        ["Hello there", "Second"],
    ),
    (
        "en",
        "Text.[^1] More[^note].\n\n[^1]: The body.\n[^note]: Other *body*.",
        ["Text.", "More.", "Footnote 1. The body.", "Footnote. Other body."],
    ),
    ("en", "AT&amp;T &copy; 2020 &ndash; &#65;&nbsp;B", ["AT&T copyright 2020 – A B"]),
    ("en", "\\*not emphasis\\* and 5 \\* 3", ["not emphasis and 5 times 3"]),
    (
        "en",
        "1. First. Really.\n2. Second\n   - inner\n\n   para\n3) third",
        ["1. First.", "Really.", "2. Second", "inner", "para", "3. third"],
    ),
    ("en", "- [x] milk\n- [ ] bread", ["Done: milk", "To do: bread"]),
    ("en", "* one\n* two\n\nAfter.", ["one", "two", "After."]),
    (
        "en",
        "| Name | Age |\n|:--|--:|\n| Ann | 12 |\n| Bob | |\n",
        ["Name: Ann, Age: 12", "Name: Bob"],
    ),
    ("en", "| A |\n|---|\n| x |\n| y |", ["A", "x", "y"]),
    (
        "en",
        "| | Long name of a column that nobody wants to hear again |\n|--|--|\n| a | b |",
        ["Long name of a column that nobody wants to hear again", "a, b"],
    ),
    ("en", "```python\nprint('hi')\n```", ["Code example."]),
    ("en", "Before:\n\n    indented text\n\nAfter.", ["Before:", "indented text", "After."]),
    ("en", "> Quoted *text*\n> goes on.\n>\n> > Deeper.", ["Quoted text goes on.", "Deeper."]),
    ("en", "One.\n\n---\n\nTwo.", ["One.", "Two."]),
    (
        "en",
        "Contents\n\nChapter 1 ........ 5\nChapter 2 . . . . . 12",
        ["Contents", "Chapter 1, 5.", "Chapter 2, 12"],
    ),
    (
        "en",
        "Energy is $E = mc^2$ and $5 or $6.",
        ["Energy is E equals mc 2 and 5 dollars or 6 dollars."],
    ),
    ("en", "Nice 🙂. Great 👩\u200d👩\u200d👧! a🙂b", ["Nice.", "Great!", "a b"]),
    ("en", "exam\xadple \u200bzero\u202ewidth été", ["example zerowidth été"]),
    ("en", "🙂 🙂", []),
    ("en", "", []),
    ("en", "***\n\n---", []),
    ("en", "line one\nline two  \nline three", ["line one line two line three"]),
    ("en", "[sic] and [t]he a[0] {x} x^2 a|b \\n", ["sic and the a 0 x x 2 a b n"]),
    ("en", "Wait -- no --- yes — so.", ["Wait – no – yes — so."]),
    (
        "de",
        "Dr. Meier kam am 3. Mai 2020, z. B. mit 1.234.567 € usw. Er ging. Der 2. Weltkrieg endete 1945.",
        [
            "Doktor Meier kam am 3. Mai 2020, zum Beispiel mit 1234567 Euro und so weiter.",
            "Er ging.",
            "Der 2. Weltkrieg endete 1945.",
        ],
    ),
    (
        "de",
        "Siehe S. 12, Nr. 5, 20 °C, 5 %, 1939–1945, am 2024-05-17. Kapitel IV.",
        [
            "Siehe Seite 12, Nummer 5, 20 Grad Celsius, 5 Prozent, 1939 bis 1945, am 17. Mai 2024.",
            "Kapitel 4.",
        ],
    ),
    (
        "fr",
        "M. Dupont a dit : « Bonjour ! » Il a 3 000 000 €, soit 5 %, p. 12.",
        ["Monsieur Dupont a dit : « Bonjour ! »", "Il a 3000000 euros, soit 5 pour cent, page 12."],
    ),
    (
        "fr",
        "Le 2024-05-17, 10–20 km. Voir https://exemple.fr/a.",
        ["Le 17 mai 2024, 10 à 20 kilomètres.", "Voir lien vers exemple.fr."],
    ),
    (
        "es",
        "El Sr. López pagó 1.234.567 €, 5 %, p. ej. en EE. UU. Luego se fue. ¿Qué pasa? ¡Nada!",
        [
            "El Señor López pagó 1234567 euros, 5 por ciento, por ejemplo en Estados Unidos.",
            "Luego se fue.",
            "¿Qué pasa?",
            "¡Nada!",
        ],
    ),
    ("it", "Il dott. Rossi paga 5 % & va via. Ecco.", ["Il dott. Rossi paga 5 % & va via. Ecco."]),
    ("ja", "これは文です。次の文です！", ["これは文です。", "次の文です！"]),
    ("hi", "यह एक वाक्य है। यह दूसरा है।", ["यह एक वाक्य है।", "यह दूसरा है।"]),
    ("ar", "مرحبا بك. كيف حالك؟", ["مرحبا بك.", "كيف حالك؟"]),
    (
        "en",
        "The start is in English and it is the first of them.\n\nDer schnelle braune Fuchs springt über den faulen Hund und läuft dann davon in den Wald.",
        [
            "The start is in English and it is the first of them.",
            "Der schnelle braune Fuchs springt über den faulen Hund und läuft dann davon in den Wald.",
        ],
    ),
    ("en", "[foo]: http://x.io 'Title words'\n\nOnly this.", ["Only this."]),
    ("en", "Term[^9] here.", ["Term here."]),
    ("en", "a[^1]\n\n[^1]:\n", ["a", "Footnote 1."]),
    ("en", "www.example.org is www.", ["link to example.org is www."]),
    ("en", "1986\\. A great year", ["1986. A great year"]),
    ("en", "**Dr**. Who & Co.", ["Doctor Who and Company."]),
    ("en", "5 m. 6 min. 7 ms", ["5 meters.", "6 minutes.", "7 milliseconds"]),
    ("en", "He was born ca. 1850 (cf. p. 3).", ["He was born circa 1850 (compare page 3)."]),
    (
        "en",
        "Smith et al. 2020 found it. Jones Jr. agreed.",
        ["Smith and others 2020 found it.", "Jones Junior agreed."],
    ),
    ("en", "Title\n---\ntext", ["Title", "text"]),
    ("en", "## Heading with `code` and [link](x) ##", ["Heading with code and link"]),
]


@pytest.mark.slow
@pytest.mark.parametrize(("language", "markdown", "expected"), CASES)
def test_what_is_spoken(language: str, markdown: str, expected: list[str]):
    page = segment_page(markdown, language)
    assert [utterance.text for utterance in page.utterances] == expected
