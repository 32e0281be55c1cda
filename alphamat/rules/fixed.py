"""Rules for a network that takes pictures of one size only."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

from alphamat.rules.preprocess import Preprocess
from alphamat.rules.sizes import exactly, fit
from alphamat.rules.steps import Extend, Pad, Repeat, Resize, Step


def fixed_size(rules: Preprocess, height: int, width: int) -> Preprocess:
    """Return rules that lead every picture to one size.

    The picture is resized to fit, in its proportions, and its last row and column are repeated to
    fill the rest. Rules that lead to this size anyway stay as they are.

    Parameters
    ----------
    rules : Preprocess
        Their first resizing says how pixels are resized; bilinearly where they have none.
    height, width : int
        The network's.

    Returns
    -------
    Preprocess

    Examples
    --------
    >>> import numpy as np
    >>> from alphamat.rules import HALF, Preprocess, fixed_size
    >>> rules = fixed_size(Preprocess(HALF, HALF), 32, 64)
    >>> rules.apply(np.zeros((50, 90, 3))).inputs[0].shape
    (1, 32, 64, 3)
    """
    sized = [step for step in rules.chain if isinstance(step, Resize | Pad | Extend | Repeat)]
    if sized and _leads_to(sized[-1], height, width):
        return rules
    fitted = Resize(partial(fit, height, width))
    for step in rules.chain[::-1]:
        if isinstance(step, Resize):
            fitted = step._replace(size=fitted.size)
    chain = fitted, Repeat(partial(exactly, height, width))
    start = rules.chain.index(sized[0]) if sized else 0
    rest = [step for step in rules.chain[start:] if step not in sized]
    return replace(rules, chain=(*rules.chain[:start], *chain, *rest))


def _leads_to(step: Step, height: int, width: int) -> bool:
    """Tell whether a step leads pictures of all sizes and proportions to one size."""
    sizes = (1, 1), (height + 1, 2 * width + 5), (3 * height + 2, width + 3)
    return isinstance(step, Resize | Extend | Repeat) and all(
        step.size(*size) == (height, width) for size in sizes
    )
