"""The card of a file in ONNX, written beside it as JSON; docs/export.md tells of the format."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from alphamat.door.parameters import shown
from alphamat.onnx.card import Card, Port
from alphamat.rules import from_data

FORMAT, VERSION = "alphamat-onnx", 1
LONGEST = 2**20  # bytes: hundreds of times what a card takes
# What a card has, and of which type.
FIELDS: dict[str, type | tuple[type, ...]] = {
    "format": str,
    "version": int,
    "preset": str,
    "rules": dict,
    "normalised": bool,
    "inputs": list,
    "outputs": list,
    "licence": str,
    "commercial": (bool, type(None)),
    "citation": str,
    "warning": str,
    "weights": dict,
    "versions": dict,
    "difference": dict,
}
NEEDED = "format", "version", "preset", "rules", "normalised", "inputs", "outputs"
ROLES = {
    "inputs": ("image", "trimap", "plate", "state"),
    "outputs": ("alpha", "foreground", "state"),
}
PORT = {"name": str, "role": str, "shape": list, "layout": str, "dtype": str, "initial": list}


def sidecar_of(path: Path) -> Path:
    """Return where the card of a file lies."""
    return path.with_name(f"{path.name}.json")


def read_sidecar(path: Path) -> Card:
    """Read a card.

    Raises
    ------
    ValueError
        If the file holds none. The message says what is wrong.
    """
    try:
        return _card(_object(path))
    except ValueError as fault:
        raise ValueError(f"{path} does not tell how a file in ONNX is run: {fault}") from None


def _object(path: Path) -> dict[str, Any]:
    if path.stat().st_size > LONGEST:
        raise ValueError(f"it has more than {LONGEST:,} bytes.")
    try:
        data = json.loads(path.read_bytes())
    except (ValueError, RecursionError):  # UnicodeDecodeError is a ValueError
        raise ValueError("it is no JSON.") from None
    if not isinstance(data, dict) or data.get("format") != FORMAT:
        raise ValueError(f'it has no "format": "{FORMAT}".')
    if data.get("version") != VERSION:
        raise ValueError(
            f"its version is {shown(data.get('version'))}; this alphamat reads {VERSION}."
        )
    return data


def _card(data: dict[str, Any]) -> Card:
    _check(data, FIELDS, NEEDED, "it")
    told = {
        key: data[key] for key in ("licence", "commercial", "citation", "warning") if key in data
    }
    inputs, outputs = (
        tuple(_port(each, f"{side}[{at}]", ROLES[side]) for at, each in enumerate(data[side]))
        for side in ("inputs", "outputs")
    )
    rules = from_data(data["rules"])
    return Card(data["preset"], rules, inputs, outputs, normalised=data["normalised"], **told)


def _port(data: Any, place: str, roles: tuple[str, ...]) -> Port:
    if not isinstance(data, dict):
        raise ValueError(f"{place} is {shown(data)}; expected a name and what it is for.")
    _check(data, PORT, ("name", "role", "shape", "layout", "dtype"), place)
    for key, known in (("role", roles), ("layout", ("NCHW", "NHWC"))):
        if data[key] not in known:
            raise ValueError(
                f"{place}.{key} is {shown(data[key])}; expected one of: {', '.join(known)}."
            )
    sides = [*data["shape"], *data.get("initial", [])]
    if not all(isinstance(side, str) or (type(side) is int and side > 0) for side in sides):
        raise ValueError(f"{place} has the shape {shown(sides)}; expected whole numbers and names.")
    port = Port(**{**data, "shape": tuple(data["shape"]), "initial": None})
    if port.role != "state":
        if len(port.shape) != 4 or not isinstance(port.shape[port.layout.index("C")], int):
            raise ValueError(
                f"{place} has the shape {shown(sides)}; expected four sides, with the number of "
                "channels as C."
            )
        return port
    initial = tuple(data.get("initial", data["shape"]))
    if place.startswith("inputs") and not all(isinstance(side, int) for side in initial):
        raise ValueError(f"{place} has no whole numbers as `initial`, with which it begins.")
    return port._replace(initial=initial)


def _check(data: dict[str, Any], known: dict, needed: tuple[str, ...], place: str) -> None:
    for key, value in data.items():
        if key not in known:
            raise ValueError(f"{place} has {shown(key)}; expected {', '.join(known)}.")
        types = known[key] if isinstance(known[key], tuple) else (known[key],)
        if type(value) not in types:
            names = " or ".join(each.__name__ for each in types)
            raise ValueError(f"{place} has {shown(value)} as {key}; expected {names}.")
    for key in needed:
        if key not in data:
            raise ValueError(f"{place} has no {key}.")
