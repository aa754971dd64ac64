"""Regular expressions under hostile text: what is sent at them, and what it costs.

Texts are derived from each expression by Python's own parser of them: characters that its parts
accept, and texts that nearly match it, each repeated.
"""

import gc
import re
from collections.abc import Callable, Iterator, Mapping
from itertools import product
from re import _constants as ops  # type: ignore[attr-defined]
from re import _parser as parser  # type: ignore[attr-defined]
from time import thread_time
from typing import Any

from libs.common.testing.costs.found_patterns import FoundPattern

SCREEN_CHARACTERS = 4_000
SCREEN_S = 0.0008
"""A text that takes less of a quick machine is not looked at again."""
SCREEN_FACTOR = 7
"""Times as long as a text of a fourth of its length one takes that is: 4 if linear, else 16."""
DOUBLINGS = 3
MOST_PER_DOUBLING = 2.2
MOST_WITH_OBJECTS = 2.6
"""Of work that leaves many objects, which caches do not hold (2.34 was measured; squares: 4)."""
LEAST_MEASURED_S = 0.02
ATTEMPTS = 12
ATTEMPTS_OF_A_SIZE = 4
HOPELESS = 3.0
"""What no noise makes of 2: squares grow 4 times."""
NEVER = "\x01"
OTHERS = ("a", "A", "0", " ", "\n", "<", "(", "[", "é", "́")


def growth(work: Callable[[str], object], text: Callable[[int], str], size: int) -> float:
    """Return by how much work grows when a text is doubled, at the best of some attempts.

    It is the processor time of this thread, for a text that is doubled until that can be measured,
    and then three times more: a busy machine does not matter, and what is fixed counts for nothing.
    """
    while (base := cost(work, text(size), 1)) < LEAST_MEASURED_S and size < 1 << 20:
        size *= 2
    factor = longer = float("inf")
    for attempt in range(1, ATTEMPTS + 1):
        base = min(base, cost(work, text(size), 2))
        longer = min(longer, cost(work, text(size << DOUBLINGS), 1))
        factor = (longer / base) ** (1 / DOUBLINGS)
        if factor <= MOST_PER_DOUBLING or (attempt >= ATTEMPTS_OF_A_SIZE and factor > HOPELESS):
            break
        if attempt % ATTEMPTS_OF_A_SIZE == 0 and attempt < ATTEMPTS:
            size, base, longer = 2 * size, float("inf"), float("inf")  # which caches hold otherwise
    return factor


def cost(work: Callable[[str], object], text: str, attempts: int) -> float:
    """Return the least processor time, in seconds, that ``work`` took.

    The collector waits meanwhile: it goes through all that there is, however little is new.
    """
    taken = []
    collects = gc.isenabled()
    gc.disable()
    try:
        for _ in range(attempts):
            started = thread_time()
            work(text)
            taken.append(thread_time() - started)
    finally:
        if collects:
            gc.enable()
    return min(taken)


def slow_texts(found: FoundPattern) -> Iterator[tuple[str, str, str]]:
    """Yield the hostile texts (head, repeated, tail) for which an expression may not be linear."""
    for head, unit, tail in hostile_texts(found.pattern):
        text = repeated(head, unit, tail)
        if cost(found.work, text(SCREEN_CHARACTERS), 1) > SCREEN_S:
            short = cost(found.work, text(SCREEN_CHARACTERS), 3)
            if cost(found.work, text(4 * SCREEN_CHARACTERS), 2) > SCREEN_FACTOR * short:
                yield head, unit, tail


def repeated(head: str, unit: str, tail: str) -> Callable[[int], str]:
    """Return a function of the number of characters between ``head`` and ``tail``."""
    return lambda size: head + unit * (size // len(unit)) + tail


def hostile_texts(pattern: re.Pattern[Any]) -> Iterator[tuple[str, str, str]]:
    """Yield (head, repeated, tail): runs and pairs of what it accepts, and what nearly matches."""
    source = pattern.pattern
    text = source.decode("latin-1") if isinstance(source, bytes) else source
    tree = parser.parse(text, pattern.flags & ~re.UNICODE if isinstance(source, bytes) else 0)
    letters = sorted({*alphabet(tree), *OTHERS[:6]}, key=lambda letter: (len(letter), letter))
    letters = letters[:24]
    samples = {sample(tree, count) for count in (0, 1, 2)} - {""}
    units = {*letters, *map("".join, product(letters, letters)), *samples}
    units |= {some[:size] for some in samples for size in range(2, min(len(some), 40))}
    heads = {"", *(some[:size] for some in samples for size in range(1, min(len(some), 14)))}
    for unit in sorted(units):
        for head in heads if unit in letters else ("",):
            yield head, unit, NEVER


def alphabet(tree: Any) -> Iterator[str]:
    """Yield characters that parts of an expression accept."""
    for kind, value in tree:
        if kind in (ops.LITERAL, ops.NOT_LITERAL):
            yield chr(value)
        elif kind is ops.IN:
            yield from members(value)
        for part in parts(kind, value):
            yield from alphabet(part)


def parts(kind: Any, value: Any) -> Iterator[Any]:
    """Yield the expressions inside of one operation of a parsed expression."""
    if kind is ops.BRANCH:
        yield from value[1]
    elif kind in (ops.MAX_REPEAT, ops.MIN_REPEAT, ops.POSSESSIVE_REPEAT):
        yield value[2]
    elif kind is ops.SUBPATTERN:
        yield value[3]
    elif kind is ops.ATOMIC_GROUP:
        yield value
    elif kind in (ops.ASSERT, ops.ASSERT_NOT):
        yield value[1]


CATEGORIES: Mapping[Any, str] = {
    ops.CATEGORY_DIGIT: "0",
    ops.CATEGORY_SPACE: " ",
    ops.CATEGORY_WORD: "a",
    ops.CATEGORY_NOT_DIGIT: "a",
    ops.CATEGORY_NOT_SPACE: "a",
    ops.CATEGORY_NOT_WORD: ".",
}


def members(value: Any) -> Iterator[str]:
    """Yield some members of a set: not what a complement leaves out, but something else."""
    excluded = value[0][0] is ops.NEGATE
    if excluded:
        yield next((letter for letter in OTHERS if matches_set(value, letter)), "~")
    for kind, what in value:
        if kind is ops.LITERAL:
            yield chr(what)
        elif kind is ops.RANGE:
            yield chr(what[0])
        elif kind is ops.CATEGORY and not excluded:
            yield CATEGORIES[what]


def matches_set(value: Any, letter: str) -> bool:
    """Whether a set of a parsed expression accepts ``letter``."""
    for kind, what in value[1:]:
        inside = (
            (kind is ops.LITERAL and ord(letter) == what)
            or (kind is ops.RANGE and what[0] <= ord(letter) <= what[1])
            or (kind is ops.CATEGORY and CATEGORY_TESTS[what](letter))
        )
        if inside:
            return False
    return True


CATEGORY_TESTS: Mapping[Any, Callable[[str], bool]] = {
    ops.CATEGORY_DIGIT: str.isdigit,
    ops.CATEGORY_SPACE: str.isspace,
    ops.CATEGORY_WORD: lambda letter: letter.isalnum() or letter == "_",
    ops.CATEGORY_NOT_DIGIT: lambda letter: not letter.isdigit(),
    ops.CATEGORY_NOT_SPACE: lambda letter: not letter.isspace(),
    ops.CATEGORY_NOT_WORD: lambda letter: not (letter.isalnum() or letter == "_"),
}


def sample(tree: Any, more: int) -> str:
    """Return a text that an expression likely accepts, with ``more`` than the fewest repeats."""
    found = ""
    for kind, value in tree:
        if kind is ops.LITERAL:
            found += chr(value)
        elif kind is ops.NOT_LITERAL:
            found += "~"
        elif kind is ops.ANY:
            found += "a"
        elif kind is ops.IN:
            found += next(members(value), "a")
        elif kind in (ops.MAX_REPEAT, ops.MIN_REPEAT, ops.POSSESSIVE_REPEAT):
            count = min(value[0] + more, 12 if value[1] is ops.MAXREPEAT else value[1])
            found += sample(value[2], more) * int(count)
        elif kind is ops.BRANCH:
            found += sample(value[1][min(more, len(value[1]) - 1)], more)
        elif kind in (ops.SUBPATTERN, ops.ATOMIC_GROUP):
            found += sample(value[3] if kind is ops.SUBPATTERN else value, more)
    return found
