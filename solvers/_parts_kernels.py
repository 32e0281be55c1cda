"""Compiled loops that find the parts of a matrix: unknowns joined by couplings, as a forest."""

from __future__ import annotations

from solvers.loops import jit
from solvers.runs import FIRST, LENGTH, own_column


@jit
def root(leader, i):
    while leader[i] != i:
        leader[i] = leader[leader[i]]  # halves the path for those who come later
        i = leader[i]
    return i


@jit
def join_trees(leader, i, j):
    i, j = root(leader, i), root(leader, j)
    if i < j:
        leader[j] = i
    else:
        leader[i] = j


@jit
def join_cells(runs, steps, planes, number, share, leader):
    """Join the cells of a stencil whose coupling exceeds `share` of √(a_ii a_jj).

    `number` says which unknown a stored cell is, or -1; `steps` lists the planes' (dy, dx).
    """
    own = own_column(runs)
    for k in range(runs.shape[0]):
        begin, n, start = runs[k, FIRST], runs[k, LENGTH], runs[k, own]
        for plane in range(1, steps.shape[0]):
            ahead = runs[k, own + steps[plane, 0]] + steps[plane, 1]
            for i in range(n):
                j = number[ahead + i]
                a, product = planes[plane, start + i], planes[0, start + i] * planes[0, ahead + i]
                if j >= 0 and a * a > share * share * product and leader[j] != leader[begin + i]:
                    join_trees(leader, begin + i, j)


@jit
def join_rows(indptr, indices, values, diagonal, share, leader):
    """Join the unknowns of a CSR matrix likewise."""
    for i in range(leader.size):
        for at in range(indptr[i], indptr[i + 1]):
            j, a = indices[at], values[at]
            strong = j < i and a * a > share * share * diagonal[i] * diagonal[j]
            if strong and leader[j] != leader[i]:
                join_trees(leader, i, j)


@jit
def number_parts(leader, part):
    """Write the number of each unknown's part, in the order of their first unknowns; count them."""
    count = 0
    for i in range(leader.size):
        first = root(leader, i)
        if first == i:
            part[i] = count
            count += 1
        else:
            part[i] = part[first]
    return count
