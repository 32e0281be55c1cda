"""Compiled loops of `tree.py`. Raw arrays in and out; results last; the caller allocates.

Node 0 is the root, and nodes 8i + 1 to 8i + 8 are the children of node i. The j-th of the m nodes
of a level holds the points n j / m to n (j + 1) / m. Leaves are nodes without a box of their own.
"""

from __future__ import annotations

import numpy as np

from solvers.loops import jit

SAMPLE = 21  # points, of whose order that of all is guessed
FEW = 200  # points, for which a sample of three does
DEEPEST = 128  # nodes that wait to be visited: seven a level


@jit
def split(first, last, node, parts, total, rows, order, boxes):
    """Sort the rows of nodes first ≤ j < last of a level by their children, and box these.

    The level begins at `node` and has `total` nodes. Each has 2, 4 or 8 `parts`, cut in turns
    across the longest side of what is cut. `order` is sorted like `rows`.
    """
    n, dims = rows.shape
    cells = np.empty((parts, 2, dims))
    for j in range(first, last):
        begin, end = n * j // total, n * (j + 1) // total
        enclose(rows[begin:end], cells[0])
        step = parts
        while step > 1:
            half = step // 2
            for part in range(0, parts, step):
                begin, middle, end = (
                    n * (parts * j + part) // (parts * total),
                    n * (parts * j + part + half) // (parts * total),
                    n * (parts * j + part + step) // (parts * total),
                )
                axis = np.argmax(cells[part, 1] - cells[part, 0])
                halve(rows[begin:end], order[begin:end], axis, middle - begin)
                cells[part + half] = cells[part]
                cells[part, 1, axis] = cells[part + half, 0, axis] = rows[middle, axis]
            step = half
        box = boxes[node + j]
        box[0], box[1] = np.inf, -np.inf  # of children that are not there
        for part in range(parts):
            child = parts * j + part
            begin, end = n * child // (parts * total), n * (child + 1) // (parts * total)
            enclose(rows[begin:end], cells[0])
            box[:, :, part] = cells[0]


@jit
def enclose(rows, box):
    """Find the least and the greatest coordinates."""
    for c in range(rows.shape[1]):
        low, high = np.inf, -np.inf
        for i in range(rows.shape[0]):
            x = rows[i, c]
            low, high = x if x < low else low, x if x > high else high
        box[0, c], box[1, c] = low, high


@jit
def halve(rows, order, axis, middle):
    """Sort rows so that none before `middle` is greater than any after it (Hoare's selection)."""
    sample = np.empty(SAMPLE)
    low, high = 0, order.size - 1
    while low < high:
        count, gap = SAMPLE if high - low > FEW else 3, high - low
        for s in range(count):
            at, x = s, rows[low + gap * s // (count - 1), axis]
            while at > 0 and sample[at - 1] > x:
                sample[at] = sample[at - 1]
                at -= 1
            sample[at] = x
        pivot = sample[((middle - low) * (count - 1) + gap // 2) // gap]
        i, j = low, high
        while i <= j:
            while rows[i, axis] < pivot:
                i += 1
            while rows[j, axis] > pivot:
                j -= 1
            if i <= j:
                for c in range(rows.shape[1]):
                    rows[i, c], rows[j, c] = rows[j, c], rows[i, c]
                order[i], order[j] = order[j], order[i]
                i += 1
                j -= 1
        if middle <= j:
            high = j
        elif middle >= i:
            low = i
        else:
            break


@jit
def pack(first, last, rows, blocks):
    """Store the points of leaves column by column; places to spare are infinitely far."""
    leaves = blocks.shape[0]
    n = rows.shape[0]
    for leaf in range(first, last):
        begin, end = n * leaf // leaves, n * (leaf + 1) // leaves
        blocks[leaf] = np.inf
        for i in range(begin, end):
            for c in range(rows.shape[1]):
                blocks[leaf, c, i - begin] = rows[i, c]


@jit
def locate(first, last, points, pixels, boxes, leaves):
    """Find leaves that are near points."""
    far = np.empty(8)
    for m in range(first, last):
        node = 0
        while node < boxes.shape[0]:
            boxes_apart(boxes, node, points[pixels[m]], far)
            node = 8 * node + 1 + np.argmin(far)
        leaves[m] = node - boxes.shape[0]


@jit
def boxes_apart(boxes, node, here, far):
    """far ← the squared distances of a point from the boxes of a node's children."""
    far[:] = 0.0
    for c in range(here.size):
        low, high, x = boxes[node, 0, c], boxes[node, 1, c], here[c]
        for j in range(8):
            below, above = low[j] - x, x - high[j]
            outside = below if below > above else above
            outside = outside if outside > 0.0 else 0.0
            far[j] += outside * outside


@jit
def points_apart(block, here, squares):
    """squares ← the squared distances of a leaf's points from a point."""
    dims, size = block.shape
    x, y, at_x, at_y = block[0], block[1], here[0], here[1]
    for j in range(size):
        squares[j] = (x[j] - at_x) * (x[j] - at_x) + (y[j] - at_y) * (y[j] - at_y)
    for c in range(2, dims - 1, 2):
        x, y, at_x, at_y = block[c], block[c + 1], here[c], here[c + 1]
        for j in range(size):
            squares[j] += (x[j] - at_x) * (x[j] - at_x) + (y[j] - at_y) * (y[j] - at_y)
    if dims % 2 == 1:
        x, at_x = block[dims - 1], here[dims - 1]
        for j in range(size):
            squares[j] += (x[j] - at_x) * (x[j] - at_x)


@jit
def visit(boxes, node, here, limit, far, stack, away, top):
    """Put the children of a node nearer than a limit on the stack, the nearest last."""
    boxes_apart(boxes, node, here, far)
    bottom = top
    for j in range(8):
        if far[j] < limit:
            at = top
            while at > bottom and away[at - 1] < far[j]:
                stack[at], away[at] = stack[at - 1], away[at - 1]
                at -= 1
            stack[at], away[at] = 8 * node + 1 + j, far[j]
            top += 1
    return top


@jit
def search(first, last, points, pixels, held, order, blocks, boxes, members):
    """Find the nearest of a tree's points, nearest first, for points that follow each other.

    A point is no farther from the neighbours of the one before it than those two together, so the
    search goes no farther. `held` says whether a point is in the tree: then it is not its own
    neighbour.
    """
    leaves, dims, size = blocks.shape
    n, count, inner = order.size, members.shape[1], boxes.shape[0]
    squares, found, near = np.empty(size), np.empty(count, np.int32), np.empty(count)
    stack, away, far = np.empty(DEEPEST, np.int64), np.empty(DEEPEST), np.empty(8)
    for m in range(first, last):
        pixel = pixels[m]
        here, limit = points[pixel], np.inf
        if m > first and (held[m - 1] or not held[m]):
            step = 0.0
            for c in range(dims):
                step += (here[c] - points[pixels[m - 1], c]) ** 2
            limit = (np.sqrt(near[count - 1]) + np.sqrt(step)) ** 2 * (1 + 1e-9) + 1e-300
        near[:] = limit
        stack[0], away[0], top = 0, 0.0, 1
        while top > 0:
            top -= 1
            node = stack[top]
            if away[top] >= limit:
                continue
            if node < inner:
                top = visit(boxes, node, here, limit, far, stack, away, top)
                continue
            points_apart(blocks[node - inner], here, squares)
            begin = n * (node - inner) // leaves
            for j in range(size):
                square = squares[j]
                if square < limit:
                    other = order[begin + j]
                    if other == pixel:
                        continue
                    at = count - 1
                    while at > 0 and near[at - 1] > square:
                        near[at], found[at] = near[at - 1], found[at - 1]
                        at -= 1
                    near[at], found[at] = square, other
                    limit = near[count - 1]
        members[m] = found


@jit
def reach(first, last, points, pixels, limits, blocks, boxes, near):
    """Say whether points are nearer to one of a tree's points than their limits."""
    inner, size = boxes.shape[0], blocks.shape[2]
    squares, far = np.empty(size), np.empty(8)
    stack, away = np.empty(DEEPEST, np.int64), np.empty(DEEPEST)
    for m in range(first, last):
        here, limit = points[pixels[m]], limits[m] * limits[m]
        near[m] = False
        stack[0], top = 0, 1
        while top > 0 and not near[m]:
            top -= 1
            node = stack[top]
            if node < inner:
                top = visit(boxes, node, here, limit, far, stack, away, top)
                continue
            points_apart(blocks[node - inner], here, squares)
            least = np.inf
            for j in range(size):
                least = squares[j] if squares[j] < least else least
            near[m] = least < limit
