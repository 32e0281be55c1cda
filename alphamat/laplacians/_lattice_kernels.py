"""Compiled loops between pixels and a lattice of functions of colour. Raw arrays; results last.

`runs` and `starts` are those of a `RunsByRow`. A node stands for 1, R - ½, G - ½ and B - ½, each
times a bilinear hat that ends at the nodes around it.
"""

from __future__ import annotations

from solvers.loops import jit
from solvers.runs import FIRST, LENGTH, X


@jit
def prolong(first, last, image, runs, starts, spacing, nodes, values):
    """Write the values at pixels of the function with coefficients (rows, columns, 4) at nodes."""
    for y in range(first, last):
        down = (y % spacing) / spacing
        above, below = nodes[y // spacing], nodes[y // spacing + 1]
        for k in range(starts[y], starts[y + 1]):
            out, x, end = runs[k, FIRST] - runs[k, X], runs[k, X], runs[k, X] + runs[k, LENGTH]
            while x < end:
                node = x // spacing
                here = (1 - down) * above[node] + down * below[node]
                step = ((1 - down) * above[node + 1] + down * below[node + 1] - here) / spacing
                beyond = min(end, (node + 1) * spacing)
                for i in range(x, beyond):
                    r, g, b = image[y, i, 0] - 0.5, image[y, i, 1] - 0.5, image[y, i, 2] - 0.5
                    at_node = here[0] + here[1] * r + here[2] * g + here[3] * b
                    slope = step[0] + step[1] * r + step[2] * g + step[3] * b
                    values[out + i] = at_node + (i - node * spacing) * slope
                x = beyond


@jit
def restrict(first, last, image, runs, starts, spacing, values, nodes):
    """Add to the nodes each pixel's value times their functions there: the adjoint."""
    for y in range(first, last):
        down = (y % spacing) / spacing
        above, below = nodes[y // spacing], nodes[y // spacing + 1]
        for k in range(starts[y], starts[y + 1]):
            at, x, end = runs[k, FIRST] - runs[k, X], runs[k, X], runs[k, X] + runs[k, LENGTH]
            while x < end:
                node = x // spacing
                beyond = min(end, (node + 1) * spacing)
                a, b, c, d = 0.0, 0.0, 0.0, 0.0
                right_a, right_b, right_c, right_d = 0.0, 0.0, 0.0, 0.0
                for i in range(x, beyond):
                    value = values[at + i]
                    right = value * ((i - node * spacing) / spacing)
                    red, green, blue = (
                        image[y, i, 0] - 0.5,
                        image[y, i, 1] - 0.5,
                        image[y, i, 2] - 0.5,
                    )
                    a += value
                    b += value * red
                    c += value * green
                    d += value * blue
                    right_a += right
                    right_b += right * red
                    right_c += right * green
                    right_d += right * blue
                share(a, right_a, 0, down, above, below, node)
                share(b, right_b, 1, down, above, below, node)
                share(c, right_c, 2, down, above, below, node)
                share(d, right_d, 3, down, above, below, node)
                x = beyond


@jit
def share(whole, right, function, down, above, below, node):
    """Share a sum among the four nodes around it, `right` of it to those on the right."""
    left = whole - right
    above[node, function] += (1 - down) * left
    below[node, function] += down * left
    above[node + 1, function] += (1 - down) * right
    below[node + 1, function] += down * right
