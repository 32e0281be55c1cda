"""Compiled loops of metrics. Raw arrays in and out; results last; callers check and allocate.

For the connectivity error, components grow on a plane that lies on its side, in a frame of zeros,
and flat: places ascend down one column of the picture after the other, and every pixel has four
neighbours.
"""

from __future__ import annotations

import numpy as np

from solvers.loops import jit


@jit
def gradient_magnitude(alpha, smooth, slope, out):
    """Filter with 9 taps of a slope along each axis, smoothly across it; the border is repeated.

    OpenCV's filters take as long, and their last digit depends on where in memory the arrays lie.
    """
    height, width = alpha.shape
    smoothed, sloped = np.empty(width + 8), np.empty(width + 8)
    for y in range(height):
        smoothed[:] = 0
        sloped[:] = 0
        for k in range(9):
            row = alpha[min(max(y + k - 4, 0), height - 1)]
            add_multiple(row, smooth[k], smoothed[4:])
            add_multiple(row, slope[k], sloped[4:])
        for line in (smoothed, sloped):
            line[:4] = line[4]
            line[width + 4 :] = line[width + 3]
        for x in range(width):
            along_x = along_y = 0.0
            for k in range(9):
                along_x += slope[k] * smoothed[x + k]
                along_y += smooth[k] * sloped[x + k]
            out[y, x] = np.sqrt(along_x * along_x + along_y * along_y)


@jit
def add_multiple(row, factor, line):
    """Add a row times a factor."""
    for x in range(len(row)):
        line[x] += factor * row[x]


@jit
def count_steps(alpha, truth, reached):
    """Note for each pixel the highest k at which both alphas reach k / 10."""
    for y in range(alpha.shape[0]):
        row_a, row_t, out = alpha[y], truth[y], reached[y]
        for x in range(len(out)):
            least = min(row_a[x], row_t[x])
            k = int(10 * least)  # 10 (k / 10) is k, but so is what is next to 9 / 10
            out[x] = k - (k / 10 > least)


@jit
def sort_by_level(levels, order, ends):
    """List the places of every level but 0, the highest level first; note where each ends."""
    ends[:] = 0
    for level in levels:
        ends[level] += 1
    total = 0
    for level in range(len(ends) - 1, 0, -1):
        total += ends[level]
        ends[level] = total - ends[level]
    for i in range(len(levels)):
        level = levels[i]
        if level:
            order[ends[level]] = i
            ends[level] += 1


@jit
def grow_components(levels, stride, order, ends, parent, into, died, largest):
    """Join pixels to components, level by level from the highest; note each level's largest.

    A component is called by its first place, where `parent` holds its size, negated. Once it is
    part of an earlier one, `into` says of which, and `died` since which level. Of components of one
    size the earliest counts as the largest.
    """
    best, size, a, begin = -1, 0, 0, 0
    for level in range(len(largest) - 1, 0, -1):
        for n in range(begin, ends[level]):
            i = order[n]
            parent[i] = -1
            above = levels[i - 1]
            if above < level:
                a = i
            else:
                a = a if above == level else find(parent, i - 1)
                a = join(a, i, level, parent, into, died)
            # Two neighbours beside i and beside the pixel above are joined already.
            if levels[i - stride] >= level and (above < level or levels[i - stride - 1] < level):
                a = join(a, find(parent, i - stride), level, parent, into, died)
            if levels[i + stride] > level and (above < level or levels[i + stride - 1] <= level):
                a = join(a, find(parent, i + stride), level, parent, into, died)
            if levels[i + 1] > level:
                a = join(a, find(parent, i + 1), level, parent, into, died)
            if -parent[a] > size or (-parent[a] == size and a < best):
                best, size = a, -parent[a]
        begin = ends[level]
        largest[level] = best


@jit
def find(parent, i):
    """Find what the component of i is called, and halve the way there."""
    while parent[i] >= 0:
        if parent[parent[i]] >= 0:
            parent[i] = parent[parent[i]]
        i = parent[i]
    return i


@jit
def join(a, b, level, parent, into, died):
    """Make one component of two, and return what it is called."""
    # Processors foresee branches: with min and max the whole sweep takes thrice as long.
    if a < b:
        absorb(a, b, level, parent, into, died)
        return a
    if b < a:
        absorb(b, a, level, parent, into, died)
        return b
    return a


@jit
def absorb(a, b, level, parent, into, died):
    """Make component b a part of a."""
    parent[a] += parent[b]
    parent[b] = into[b] = a
    died[b] = level


@jit
def follow_largest(largest, into, died, joined):
    """Note for each place the last level up to which its component is the largest at every level.

    `joined` is 0 everywhere. Going up, components only split. So where a level's largest component
    is not part of the largest one below, no pixel belongs to both, and levels end there.
    """
    top = len(largest) - 1
    for level in range(top, 1, -1):
        i = largest[level]
        while i >= 0 and died[i] >= level - 1:
            i = into[i]
        if i != largest[level - 1]:
            top = level - 1
    for level in range(1, top + 1):
        if largest[level] >= 0:
            joined[largest[level]] = level
    for i in range(len(joined)):
        if joined[i] == 0 and died[i] > 0:
            joined[i] = min(died[i], joined[into[i]])


@jit
def sum_differences(alpha, truth, unknown, joined):
    """Sum how far two alphas differ in what they have above the level where they are connected."""
    total = 0.0
    steps = np.arange(11) / 10
    for y in range(alpha.shape[0]):
        row_a, row_t, row_u, row_j = alpha[y], truth[y], unknown[y], joined[y]
        for x in range(len(row_a)):
            if row_u[x]:
                d_a, d_t = row_a[x] - steps[row_j[x]], row_t[x] - steps[row_j[x]]
                total += abs((d_a if d_a >= 0.15 else 0.0) - (d_t if d_t >= 0.15 else 0.0))
    return total
