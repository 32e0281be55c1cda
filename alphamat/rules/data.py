"""Rules written as values of JSON, and read: functions and steps by name, with their numbers."""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Collection, Iterable
from functools import partial
from typing import Any

from alphamat.door.parameters import shown
from alphamat.rules.encodings import ENCODINGS
from alphamat.rules.filters import FILTERS
from alphamat.rules.preprocess import Preprocess
from alphamat.rules.sizes import SIZES
from alphamat.rules.steps import STEPS, Step

LARGEST = 2**14  # of the numbers in rules, all of which count pixels


def to_data(rules: Preprocess) -> dict[str, Any]:
    """Return rules as values of JSON, which `from_data` reads.

    Parameters
    ----------
    rules : Preprocess
        Of steps and functions of `alphamat.rules`; another has no name that `from_data` knows.

    Returns
    -------
    dict
        Its keys are the names of the fields of `Preprocess`.

    Raises
    ------
    ValueError
        If there is a function of another place.

    Examples
    --------
    >>> from functools import partial
    >>> from alphamat.rules import HALF, Preprocess, Resize, short_side, to_data
    >>> data = to_data(Preprocess(HALF, HALF, chain=(Resize(partial(short_side, 512)),)))
    >>> data["chain"][0]["resize"]["size"]
    {'rule': 'short_side', 'length': 512}
    """
    return {
        "mean": list(rules.mean),
        "std": list(rules.std),
        "encode": None if rules.encode is None else _name(rules.encode, ENCODINGS),
        "chain": [_step_told(step) for step in rules.chain],
        "keep_known": rules.keep_known,
        "keep_image": rules.keep_image,
        "plate": rules.plate,
        "coarse": [_step_told(step) for step in rules.coarse],
    }


def _step_told(step: Step) -> dict[str, Any]:
    return {type(step).__name__.lower(): {k: _told(k, v) for k, v in step._asdict().items()}}


def _told(field: str, value: Any) -> Any:
    if field == "size":
        return _size_told(value)
    if callable(value):
        return _name(value, FILTERS)
    return list(value) if isinstance(value, tuple) else value


def _size_told(size: Callable) -> dict[str, Any]:
    bound = size if isinstance(size, partial) else partial(size)
    needed, _ = _numbers(bound.func)
    numbers = dict(zip(needed, bound.args, strict=True)) | bound.keywords
    return {"rule": _name(bound.func, SIZES), **numbers}


def _name(function: Callable, table: dict[str, Any]) -> str:
    name = getattr(function, "__name__", "")
    if table.get(name) is not function:
        raise ValueError(
            f"`rules` has {function!r}, which files cannot name; expected one of: "
            f"{', '.join(table)}."
        )
    return name


def _numbers(rule: Callable) -> tuple[list[str], list[str]]:
    """Return the names of the numbers that a size needs, and of those it may have."""
    known = inspect.signature(rule).parameters.values()
    needed = [each.name for each in known if each.kind is not each.KEYWORD_ONLY]
    return needed[:-2], [each.name for each in known if each.kind is each.KEYWORD_ONLY]


def from_data(data: Any) -> Preprocess:
    """Return the rules that `to_data` wrote.

    Parameters
    ----------
    data : dict
        As `to_data` returns it, or as it comes out of JSON. Fields with defaults may be missing.

    Returns
    -------
    Preprocess

    Raises
    ------
    ValueError
        If a name or a value is none that rules have. The message says where it is.

    Examples
    --------
    >>> from alphamat.rules import from_data
    >>> rules = from_data(
    ...     {"mean": [0, 0, 0], "std": [1, 1, 1], "chain": [{"pad": {"border": 0, "multiple": 32}}]}
    ... )
    >>> rules.chain
    (Pad(border=0, multiple=32, mode='reflect'),)
    """
    fields = _mapping(data, "rules")
    _refuse_strange(fields, Preprocess.__dataclass_fields__, ("mean", "std"), "rules")
    return Preprocess(**{key: _read(key, value, f"rules.{key}") for key, value in fields.items()})


def _read(field: str, value: Any, place: str) -> Any:
    """Return the value of a field of `Preprocess`, or of a step."""
    if field in ("mean", "std", "colour"):
        return _colour(value, place, zero=field != "std")
    if field in ("keep_known", "keep_image", "plate"):
        return _choice(value, {False: False, True: True}, place)
    if field in ("encode", "back") and value is None:
        return None
    if field in ("encode", "how", "how_trimap", "back"):
        return _choice(value, ENCODINGS if field == "encode" else FILTERS, place)
    if field in ("chain", "coarse"):
        if not isinstance(value, list):
            raise ValueError(f"`{place}` is {shown(value)}; expected a list of steps.")
        return tuple(_step(each, f"{place}[{at}]") for at, each in enumerate(value))
    if field == "size":
        return _size(value, place)
    if field == "mode":
        return _choice(value, {mode: mode for mode in ("reflect", "edge")}, place)
    return _count(value, place, least=0 if field == "border" else 1)


def _step(data: Any, place: str) -> Step:
    steps = _mapping(data, place)
    if len(steps) != 1:
        raise ValueError(f"`{place}` is {shown(data)}; expected one step and its fields.")
    ((name, given),) = steps.items()
    step = _choice(name, STEPS, place)
    place = f"{place}.{name}"
    fields = _mapping(given, place)
    needed = [key for key in step._fields if key not in step._field_defaults]
    _refuse_strange(fields, step._fields, needed, place)
    return step(**{key: _read(key, value, f"{place}.{key}") for key, value in fields.items()})


def _size(data: Any, place: str) -> Callable:
    given = _mapping(data, place)
    rule = _choice(given.get("rule"), SIZES, f"{place}.rule")
    needed, optional = _numbers(rule)
    _refuse_strange(given, ["rule", *needed, *optional], needed, place)
    numbers = {
        key: _count(value, f"{place}.{key}", least=0 if key == "least" else 1)
        for key, value in given.items()
        if key != "rule"
    }
    return partial(rule, *(numbers.pop(key) for key in needed), **numbers)


def _mapping(value: Any, place: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise ValueError(f"`{place}` is {shown(value)}; expected names and their values.")
    return value


def _refuse_strange(
    given: Collection[str], known: Iterable[str], needed: Iterable[str], place: str
) -> None:
    for name in given:
        if name not in known:
            expected = ", ".join(known) or "nothing"
            raise ValueError(f"`{place}` has {shown(name)}; expected {expected}.")
    for name in needed:
        if name not in given:
            raise ValueError(f"`{place}` has no {name}, which it needs.")


def _choice(value: Any, table: dict[Any, Any], place: str) -> Any:
    if not isinstance(value, str | bool) or value not in table:
        raise ValueError(
            f"`{place}` is {shown(value)}; expected one of: {', '.join(map(str, table))}."
        )
    return table[value]


def _count(value: Any, place: str, least: int) -> int:
    if type(value) is not int or not least <= value <= LARGEST:
        raise ValueError(
            f"`{place}` is {shown(value)}; expected a whole number from {least} to {LARGEST}."
        )
    return value


def _colour(value: Any, place: str, zero: bool) -> tuple[float, float, float]:
    numbers = value if isinstance(value, list) else []
    good = [type(x) in (int, float) and math.isfinite(x) and bool(x or zero) for x in numbers]
    if good != [True] * 3:
        kind = "numbers" if zero else "numbers other than 0"
        raise ValueError(f"`{place}` is {shown(value)}; expected three {kind}.")
    red, green, blue = numbers
    return red, green, blue
