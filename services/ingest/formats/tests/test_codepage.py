import time

import pytest

from services.ingest.formats.codepage import latin_page
from services.ingest.formats.sniff import decode

FRENCH = (
    "Il était une fois une petite fille de village, la plus éclairée qu'on eût su voir : sa mère "
    "en était folle, et sa grand-mère plus folle encore. Où êtes-vous allé, père Noël ? Là-bas, "
    "près du château, répondit le garçon ; ça ne vous plaît pas ? Son cœur battait. "
)
GERMAN = (
    "Über den schönen Fluß führte eine Brücke, die größer war als alle anderen Brücken. Ärgerlich "
    "war nur, daß niemand wußte, wer sie gebaut hätte. „Das waren Könige“, sagte Jürgen müde. "
)
SPANISH = (
    "¿Dónde está el niño? Mañana por la mañana volverá su tío de la montaña, según dijo María. "
    "¡Qué alegría! Los pingüinos del jardín también cantarán una canción en español. "
)
SWEDISH = (
    "Den lilla flickan gick över ån för att hälsa på sin mormor. Då kom en älg ur skogen, så stor "
    "att hon blev rädd. Är du snäll, frågade hon. Ja, sade älgen på sitt långsamma sätt. "
)
PORTUGUESE = (
    "A avó não sabia onde estavam os irmãos; talvez à beira do rio, onde as crianças vão nadar. "
    "É tarde, disse ela, e o pão já está frio. Três corações, três lições, uma só ilusão. "
)
POLISH = (
    "Pewnego dnia mała dziewczynka poszła do babci przez gęsty las. Świeciło słońce, a ptaki "
    "śpiewały tak głośno, że słychać je było aż w Łodzi. Któż to idzie, zapytał żółty wąż? "
)
CZECH = (
    "Byla jednou jedna holčička, která měla ráda svou babičku. Šla k ní lesem přes říčku a nesla "
    "jí koláč. Kůň stál u dveří a řekl, že je příliš brzy. Ještě počkej, odpověděla tiše. "
)
ENGLISH = (
    "“It’s not the money,” she said — although £5 was a great deal – “it’s the café.” The naïve "
    "young man didn’t answer… He’d spent £20 already, and ‘that’ was that. "
)
HUNGARIAN = (
    "Egyszer élt egy szőke kislány, aki nagyon szerette a nagyanyját. Az erdőben őrült nagy fülű "
    "farkassal találkozott, de nem félt tőle. Jó napot, mondta, és gyűjtött még több virágot. "
)
TURKISH = (
    "Bir varmış bir yokmuş, küçük bir kız ormanın içinden büyükannesine gidiyormuş. Güneş "
    "ışıl ışıl parlıyor, kuşlar şarkı söylüyormuş. İyi günler, demiş ağaç. "
)
RUSSIAN = "Жила-была девочка, которую очень любили мать и бабушка. Однажды она пошла в лес. "
JAPANESE = "昔々あるところに、おじいさんとおばあさんが住んでいました。山へ行きました。"
CHINESE = "从前有一个小姑娘，大家都很喜欢她。有一天，她穿过森林去看望她的外婆。"
ARABIC = "كان يا ما كان في قديم الزمان فتاة صغيرة تعيش مع أمها في قرية بعيدة. "


@pytest.mark.parametrize("size", [100, 500, 4000, 30_000])
@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        (FRENCH, "cp1252"),
        (FRENCH, "iso8859_15"),
        (FRENCH, "mac_roman"),
        (GERMAN, "cp1252"),
        (GERMAN, "mac_roman"),
        (SPANISH, "cp1252"),
        (SPANISH, "mac_roman"),
        (SWEDISH, "cp1252"),
        (PORTUGUESE, "cp1252"),
        (ENGLISH, "cp1252"),
        (POLISH, "cp1250"),
        (POLISH, "iso8859_2"),
        (CZECH, "cp1250"),
        (CZECH, "iso8859_2"),
        (HUNGARIAN, "cp1250"),
        (TURKISH, "cp1254"),
        (RUSSIAN, "cp1251"),
        (RUSSIAN, "koi8-r"),
        (JAPANESE, "shift_jis"),
        (CHINESE, "gb18030"),
        (ARABIC, "cp1256"),
    ],
)
def test_text_in_a_code_page_is_read_as_written(text, encoding, size):
    written = (text * (size // len(text) + 1))[:size]
    assert decode(written.encode(encoding)) == written


@pytest.mark.parametrize(
    "text",
    [
        "Größe und Übermut",
        "The price was £5.",
        "A naïve question about Lodz",
        "¿Y mañana?",
        "Han bor på en ö.",
        "GRÖSSE UND ÜBERMUT, EINE GESCHICHTE",
        "Poincaré met Renée, Señor Núñez, Jürgen and Åsa.",
        "Père José and Mrs. Brontë ate crème brûlée in Malmö, piñata and all.",
        "A long row of dashes: ———— and then a café",
    ],
)
def test_short_texts_are_read_as_western(text):
    assert decode(text.encode("cp1252")) == text


def test_high_bytes_after_a_long_ascii_text_decide():
    text = "All the words here are plain. " * 5000 + POLISH
    assert decode(text.encode("cp1250")) == text


@pytest.mark.parametrize(
    ("text", "encoding"),
    [(RUSSIAN, "cp1251"), (RUSSIAN, "koi8-r"), (JAPANESE, "shift_jis"), (ARABIC, "cp1256")],
)
def test_a_preface_in_english_does_not_outweigh_the_text(text, encoding):
    text = "This book is for the use of anyone anywhere at no cost.\n" * 100 + text * 3
    assert decode(text.encode(encoding)) == text


def test_words_of_another_script_among_markup_are_not_latin():
    page = f'<p class="paragraph-of-text" style="margin: 0">{RUSSIAN[:20]}</p>' * 20
    assert latin_page(page.encode("cp1251")) is None
    assert decode(page.encode("cp1251")) == page


def test_greek_is_not_taken_for_latin():
    text = "Μια φορά κι έναν καιρό ήταν ένα μικρό κορίτσι που ζούσε στο χωριό. " * 5
    assert latin_page(text.encode("cp1253")) is None


@pytest.mark.alone
def test_a_large_text_is_decided_quickly():
    data = FRENCH.encode("cp1252") * 40_000
    started = time.monotonic()
    assert latin_page(data) == "cp1252"
    assert time.monotonic() - started < 5
