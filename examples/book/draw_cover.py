"""The cover of the sample book, drawn row by row: a lighthouse at night, with a clock."""

import math
import struct
import zlib
from collections.abc import Iterator

WIDTH, HEIGHT = 800, 1200
MIDDLE = WIDTH / 2
LAMP_Y, HORIZON_Y, SHORE_Y = 330, 930, 985
BEAM_SLOPE = 0.12
FACE_Y, FACE_RADIUS = 545, 27

Color = tuple[int, int, int]
Span = tuple[float, float, Color]
"""Left edge, right edge (pixels, exclusive), color; spans of a row are painted in order."""

NIGHT: Color = (10, 15, 36)
DUSK: Color = (52, 70, 112)
DEEP: Color = (7, 14, 28)
SHALLOW: Color = (24, 48, 74)
GLOW: Color = (255, 230, 150)
COPPER: Color = (70, 122, 108)
STONE: Color = (224, 219, 206)
SHADE: Color = (178, 172, 164)
BAND: Color = (146, 58, 50)
BAND_SHADE: Color = (112, 44, 40)
ROCK: Color = (18, 20, 26)
FACE: Color = (250, 247, 238)
INK: Color = (28, 28, 34)


def png() -> bytes:
    """Return the picture as PNG, 8-bit RGB."""
    rows = b"".join(b"\0" + _row(y) for y in range(HEIGHT))  # filter type 0 before each row
    header = struct.pack(">IIBBBBB", WIDTH, HEIGHT, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + _chunk(b"IHDR", header)
        + _chunk(b"IDAT", zlib.compress(rows, 9))
        + _chunk(b"IEND", b"")
    )


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def _row(y: int) -> bytes:
    ground = _ground(y)
    row = bytearray(bytes(ground) * WIDTH)
    for left, right, color in _spans(y, ground):
        _paint(row, left, right, color)
    return bytes(row)


def _ground(y: int) -> Color:
    if y < SHORE_Y:
        return _mix(NIGHT, DUSK, (min(y, HORIZON_Y) / HORIZON_Y) ** 2)
    return _mix(SHALLOW, DEEP, (y - SHORE_Y) / (HEIGHT - SHORE_Y))


def _spans(y: int, ground: Color) -> Iterator[Span]:
    if y < SHORE_Y:
        yield from _stars(y)
        yield from _beam(y, ground)
        yield from _lighthouse(y)
        yield from _rock(y)
    else:
        yield from _waves(y, ground)


def _stars(y: int) -> Iterator[Span]:
    """Some rows have one star, at a place that depends on the row alone."""
    first = y - y % 2
    if first % 14 == 0 and y < HORIZON_Y - 120:
        x = (first * 7919 + 613) % WIDTH
        yield x, x + 2, _mix(NIGHT, STONE, 0.35 + (first % 5) / 10)


def _beam(y: int, ground: Color) -> Iterator[Span]:
    reach = abs(y - LAMP_Y) / BEAM_SLOPE
    light = _mix(ground, GLOW, 0.24)
    if reach < MIDDLE:
        yield 0, MIDDLE - reach, light
        yield MIDDLE + reach, WIDTH, light


def _lighthouse(y: int) -> Iterator[Span]:
    if 262 <= y < 300:
        half = 40 * math.sqrt(1 - ((300 - y) / 39) ** 2)
        yield MIDDLE - half, MIDDLE + half, COPPER
    elif 300 <= y < 352:
        yield MIDDLE - 30, MIDDLE + 30, GLOW
        for bar in (-30, -11, 8, 27):
            yield MIDDLE + bar, MIDDLE + bar + 3, INK
    elif 352 <= y < 368:
        yield MIDDLE - 56, MIDDLE + 56, INK
    elif 368 <= y < SHORE_Y:
        yield from _tower(y)


def _tower(y: int) -> Iterator[Span]:
    half = 38 + (y - 368) * 0.055
    banded = (y - 368) // 103 % 2 == 1
    yield MIDDLE - half, MIDDLE + half, BAND if banded else STONE
    yield MIDDLE + half * 0.35, MIDDLE + half, BAND_SHADE if banded else SHADE
    above = FACE_Y - y
    for radius, color in ((FACE_RADIUS + 4, INK), (FACE_RADIUS, FACE)):
        if abs(above) < radius:
            reach = math.sqrt(radius**2 - above**2)
            yield MIDDLE - reach, MIDDLE + reach, color
    if 0 <= above < 20:
        yield MIDDLE - 1.5, MIDDLE + 1.5, INK
    if abs(above) < 2:
        yield MIDDLE - 1.5, MIDDLE + 14, INK


def _rock(y: int) -> Iterator[Span]:
    depth = y - 900
    if depth > 0:
        rough = 9 * math.sin(y * 0.31) + 5 * math.sin(y * 0.83)
        half = 24 * math.sqrt(depth) + rough
        yield MIDDLE - half, MIDDLE + half * 1.15, ROCK


def _waves(y: int, ground: Color) -> Iterator[Span]:
    first = y - y % 2
    if first % 12 != 0:
        return
    below = y - SHORE_Y
    for place in range(5):
        x = (first * 389 + place * 167) % WIDTH
        yield x, x + 30 + below / 5, _mix(ground, DUSK, 0.55)
    half = 16 + below / 6 + 6 * math.sin(first)
    yield MIDDLE - half, MIDDLE + half, _mix(ground, GLOW, 0.4)


def _mix(one: Color, other: Color, share: float) -> Color:
    """Blend: ``share`` 0 is all ``one``, 1 all ``other``."""
    red, green, blue = (round(a + (b - a) * share) for a, b in zip(one, other, strict=True))
    return red, green, blue


def _paint(row: bytearray, left: float, right: float, color: Color) -> None:
    """Paint a span; pixels that an edge cuts are blended, so that slopes look smooth."""
    left, right = max(left, 0), min(right, WIDTH)
    if left >= right:
        return
    first, last = math.ceil(left), math.floor(right)
    row[3 * first : 3 * last] = bytes(color) * max(0, last - first)
    for x, share in ((first - 1, first - left), (last, right - last)):
        if share > 0 and 0 <= x < WIDTH:
            red, green, blue = row[3 * x : 3 * x + 3]
            row[3 * x : 3 * x + 3] = bytes(_mix((red, green, blue), color, share))
