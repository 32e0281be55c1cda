"""Parameters, parsed once: compiled loops get Python's own numbers, whatever users pass.

NumPy's integers wrap (-numpy.uint8(3) is 253), so a loop that trusted them could leave its arrays.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Iterable
from numbers import Real
from typing import Any

import numpy as np

MOST = 2**31 - 1  # compiled loops index with 32 and 64 bits, and add to what they index with


def as_count(
    value: Any, name: str, *, least: int = 1, most: int | None = MOST, advice: str = ""
) -> int:
    """Return a whole number from `least` to `most` as an int.

    Parameters
    ----------
    value : int, NumPy integer, or array of one integer without dimensions
    name : str
        What errors call the parameter.
    least, most : int
        Both allowed; None is no bound.
    advice : str
        A sentence for who wants more.

    Raises
    ------
    TypeError, ValueError
        If it is no whole number, or out of bounds.

    Examples
    --------
    >>> import numpy as np
    >>> as_count(np.uint8(3), "radius")
    3
    """
    number = _plain(value)
    try:
        whole = None if isinstance(number, bool) else operator.index(number)
    except TypeError:
        whole = None
    if whole is None:
        raise TypeError(f"`{name}` is {shown(value)}; expected a whole number of at least {least}.")
    if whole < least:
        raise ValueError(
            f"`{name}` is {shown(whole)}; expected a whole number of at least {least}."
        )
    if most is not None and whole > most:
        raise ValueError(
            f"`{name}` is {shown(whole)}; expected at most {most:,}. {advice}".rstrip()
        )
    return whole


def as_positive(value: Any, name: str, advice: str = "such as 1e-5") -> float:
    """Return a positive, finite number as a float; `advice` completes "a positive number, …".

    Examples
    --------
    >>> from fractions import Fraction
    >>> as_positive(Fraction(1, 8), "epsilon")
    0.125
    """
    return as_number(value, name, f"a positive number, {advice}", least=math.ulp(0.0))


def as_number(
    value: Any, name: str, expected: str, *, least: float = -math.inf, most: float = math.inf
) -> float:
    """Return a finite real number from `least` to `most` as a float.

    Parameters
    ----------
    value : real number, or array of one without dimensions
        int, float, `fractions.Fraction`, and NumPy's integers and floats of all sizes.
    name : str
        What errors call the parameter.
    expected : str
        What errors say that it should be.
    least, most : float
        Both allowed.

    Raises
    ------
    TypeError, ValueError
        If it is no real number, or not finite, or out of bounds.

    Examples
    --------
    >>> as_number(1, "share", "a number in [0, 1]", least=0, most=1)
    1.0
    """
    number = _plain(value)
    if not isinstance(number, Real) or isinstance(number, bool):
        raise TypeError(f"`{name}` is {shown(value)}; expected {expected}.")
    try:
        real = float(number)
    except OverflowError:  # a whole number or a fraction beyond 1e308
        real = math.inf
    if not (math.isfinite(real) and least <= real <= most):
        raise ValueError(f"`{name}` is {shown(number)}; expected {expected}.")
    return real


def as_numbers(values: Any, name: str, expected: str, *, least: float) -> list[float]:
    """Return several real numbers as floats; `expected` says what each should be."""
    if not isinstance(values, Iterable) or isinstance(values, str | bytes):
        raise TypeError(f"`{name}` is {shown(values)}; expected numbers, each {expected}.")
    return [as_number(v, f"{name}[{k}]", expected, least=least) for k, v in enumerate(values)]


def as_flag(value: Any, name: str) -> bool:
    """Return True or False, also NumPy's."""
    if not isinstance(value, bool | np.bool_):
        raise TypeError(f"`{name}` is {shown(value)}; expected True or False.")
    return bool(value)


def as_vector(values: Any, name: str, *, size: int) -> np.ndarray:
    """Return real numbers as a float64 array (size,)."""
    try:
        vector = np.asarray(values)
        if vector.dtype.kind not in "biuf":
            raise TypeError
    except (TypeError, ValueError):
        raise TypeError(
            f"`{name}` is {shown(values)}; expected a vector of {size} real numbers."
        ) from None
    if vector.shape != (size,):
        raise ValueError(
            f"`{name}` has shape {vector.shape}; expected ({size},), as many numbers as `A` has "
            "rows."
        )
    return vector.astype(np.float64, copy=False)


def shown(value: Any) -> str:
    """Return a value as messages show it: on one line, and not too long."""
    try:
        text = " ".join(repr(value).split())
    except ValueError:  # Python does not write out integers of more than 4300 digits
        return "a number of thousands of digits"
    return text if len(text) <= 80 else f"{text[:77]}…"


def _plain(value: Any) -> Any:
    """Return what a NumPy scalar holds, or an array without dimensions."""
    if getattr(value, "shape", None) != () or not hasattr(value, "item"):
        return value
    if getattr(getattr(value, "dtype", None), "kind", "") in ("m", "M"):
        return None  # a time: a span of nanoseconds would become an int
    return value.item()
