"""Synthetic books: prose-like, deterministic, no sentence twice."""

import random

WORDS = [
    "the",
    "a",
    "old",
    "young",
    "quiet",
    "harbor",
    "lamp",
    "keeper",
    "letter",
    "winter",
    "garden",
    "stone",
    "river",
    "evening",
    "morning",
    "walked",
    "carried",
    "opened",
    "remembered",
    "followed",
    "answered",
    "watched",
    "crossed",
    "between",
    "beyond",
    "under",
    "near",
    "slowly",
    "gently",
    "again",
    "never",
    "often",
    "always",
    "small",
    "narrow",
    "bright",
    "heavy",
    "silver",
    "wooden",
    "empty",
    "distant",
    "house",
    "window",
    "bridge",
    "market",
    "table",
    "street",
    "mountain",
    "island",
    "candle",
    "mirror",
    "ladder",
    "basket",
    "engine",
    "and",
    "but",
    "because",
    "although",
    "while",
    "until",
]

CHARACTERS_PER_HOUR = 66_000
"""What espeak's English voice speaks in an hour at the normal rate, pauses included (measured)."""

CHARACTERS_PER_PAGE = 3_000
"""What ingest puts on a page."""


def sentence(source: random.Random, number: int) -> str:
    """Return a sentence of 8 to 24 words that no other number gives."""
    words = [source.choice(WORDS) for _ in range(source.randint(8, 24))]
    words.insert(source.randint(2, 6), _spelled(number))
    return " ".join(words).capitalize() + "."


def paragraphs(characters: int, seed: int = 1) -> list[str]:
    """Return paragraphs of three to eight sentences, about ``characters`` in all."""
    source, made, found, number = random.Random(seed), 0, [], 0
    while made < characters:
        sentences = []
        for _ in range(source.randint(3, 8)):
            number += 1
            sentences.append(sentence(source, number * 1000 + seed))
        found.append(" ".join(sentences))
        made += len(found[-1])
    return found


def book(hours: float, seed: int = 1, chapter_characters: int = 25_000) -> str:
    """Return a Markdown book of about ``hours`` of speech, in chapters."""
    lines, since, chapter = ["# The Lamp Keeper"], chapter_characters, 0
    for paragraph in paragraphs(int(hours * CHARACTERS_PER_HOUR), seed):
        if since >= chapter_characters:
            chapter += 1
            since = 0
            lines.append(f"## Chapter {chapter}")
        lines.append(paragraph)
        since += len(paragraph)
    return "\n\n".join(lines) + "\n"


def short_pages(pages: int, characters: int = 300) -> str:
    """Return a Markdown book with so many chapters, each a page of about ``characters``.

    Headings of level 1 begin chapters however short these are; those of level 2 would not.
    """
    lines = []
    for number in range(pages):
        lines += [f"# Part {number + 1}", " ".join(paragraphs(1, seed=number + 7))[:characters]]
    return "\n\n".join(lines) + "\n"


def _spelled(number: int) -> str:
    """Return a made-up name for a number: speakable, and no two alike."""
    syllables = ("ba", "ke", "lo", "mi", "nu", "ra", "se", "to", "vi", "wa")
    return "".join(syllables[int(digit)] for digit in str(number)).capitalize()
