"""Rules for a new height and width, from the old ones.

A rule's own numbers come before `height` and `width`, or are keywords; `functools.partial` gives
them.
"""

from __future__ import annotations

from math import inf

Size = tuple[int, int]  # height, width


def square(side: int, height: int, width: int) -> Size:
    """Resize to a square, whatever the proportions."""
    return side, side


def within(longest: int, height: int, width: int) -> Size:
    """Shrink to a long side of at most `longest`, keeping the proportions."""
    scale = min(1, longest / max(height, width))
    return round(height * scale), round(width * scale)


def exactly(rows: int, columns: int, height: int, width: int) -> Size:
    """Resize to `rows` × `columns`, whatever the proportions."""
    return rows, columns


def fit(rows: int, columns: int, height: int, width: int) -> Size:
    """Resize to fit into `rows` × `columns`, keeping the proportions."""
    scale = min(rows / height, columns / width)
    return max(round(height * scale), 1), max(round(width * scale), 1)


def floor_sides(
    multiple: int, height: int, width: int, *, least: int = 0, most: float = inf
) -> Size:
    """Round each side down to a multiple, within `least` and `most`.

    No side is less than one multiple.
    """
    least = max(least, multiple)
    rows, columns = (max(min(most, x - x % multiple), least) for x in (height, width))
    return int(rows), int(columns)


def floor_halves(multiple: int, height: int, width: int, *, most: float = inf) -> Size:
    """Halve each side and round it down to a multiple, to at most `most`."""
    return floor_sides(multiple, height // 2, width // 2, most=most)


def ceil_sides(multiple: int, height: int, width: int) -> Size:
    """Round each side up to a multiple."""
    return height + -height % multiple, width + -width % multiple


def exceed_sides(multiple: int, height: int, width: int) -> Size:
    """Raise both sides to their next multiples, beyond themselves, unless both are multiples."""
    if height % multiple == width % multiple == 0:
        return height, width
    return height - height % multiple + multiple, width - width % multiple + multiple


def short_side(length: int, height: int, width: int) -> Size:
    """Resize to a short side of `length`, keeping the proportions."""
    scale = length / min(height, width)
    return round(height * scale), round(width * scale)


def short_side_within(longest: int, height: int, width: int) -> Size:
    """Shrink to a short side of at most `longest`, keeping the proportions."""
    return short_side(min(longest, height, width), height, width)


def floor_short_side_within(longest: int, height: int, width: int) -> Size:
    """Shrink to a short side of at most `longest`, and round the long one down."""
    short = min(height, width)
    most = min(longest, short)
    return height * most // short, width * most // short


def floor_short_side(length: int, multiple: int, height: int, width: int) -> Size:
    """Resize to a short side of `length` and round both sides down to multiples, in one step."""
    if width >= height:
        height, width = length, int(width / height * length)
    else:
        height, width = int(height / width * length), length
    return floor_sides(multiple, height, width)


def floor_short_side_unless_between(length: int, multiple: int, height: int, width: int) -> Size:
    """As `floor_short_side`, but only round down where `length` lies between the two sides."""
    if min(height, width) <= length <= max(height, width):
        return floor_sides(multiple, height, width)
    return floor_short_side(length, multiple, height, width)


SIZES = {
    rule.__name__: rule
    for rule in (
        square,
        exactly,
        fit,
        within,
        floor_sides,
        floor_halves,
        ceil_sides,
        exceed_sides,
        short_side,
        short_side_within,
        floor_short_side,
        floor_short_side_within,
        floor_short_side_unless_between,
    )
}
