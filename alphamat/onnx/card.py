"""What must be known of a file in ONNX to run it: rules for pictures, inputs and outputs."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

from alphamat.onnx.session import Plug, Session
from alphamat.rules import Preprocess, fixed_size, levels

CHANNELS = {"image": 3, "plate": 3, "alpha": 1, "foreground": 3}


class Port(NamedTuple):
    """An input or an output, and what it is for."""

    name: str
    role: str
    """Of inputs: image, trimap, plate, state or ratio. Of outputs: alpha, foreground or state."""
    shape: tuple[int | str | None, ...]
    """Whole numbers where they are fixed."""
    dtype: str = "float32"
    layout: str = "NCHW"
    initial: tuple[int, ...] | None = None
    """Shape of the zeros with which a state begins, where it is not `shape`."""


@dataclass(frozen=True)
class Card:
    """What a file is, and how it is run."""

    name: str
    rules: Preprocess
    inputs: tuple[Port, ...]
    """In the order of the network's: states are told apart by it."""
    outputs: tuple[Port, ...]
    normalised: bool = False
    """Whether the file itself normalises colours; it takes them in [0, 1] then."""
    logits: bool = False
    """Whether alpha is the sigmoid of what the file gives."""
    licence: str = ""
    commercial: bool | None = None
    citation: str = ""
    warning: str = ""

    @property
    def run_rules(self) -> Preprocess:
        """The rules without what the file does itself."""
        return replace(self.rules, mean=(0, 0, 0), std=(1, 1, 1)) if self.normalised else self.rules

    def ports(self, role: str) -> list[Port]:
        """Return the inputs or outputs of a role."""
        return [port for port in (*self.inputs, *self.outputs) if port.role == role]


def refuse_contradiction(card: Card, session: Session, source: str) -> None:
    """Raise ValueError unless a card, which `source` tells of, is that of a file."""
    try:
        _check_names(card, session)
        for port in card.inputs:
            _check_port(port, session.inputs[port.name], card.rules)
        for port in card.outputs:
            _check_port(port, session.outputs[port.name], card.rules)
        _check_roles(card)
        _check_size(card)
    except ValueError as fault:
        raise ValueError(f"{session.path} is not what {source} says: {fault}") from None


def _check_names(card: Card, session: Session) -> None:
    told = {port.name for port in card.inputs}
    if told != set(session.inputs) or len(told) < len(card.inputs):
        raise ValueError(f"it has the inputs {_listed(session.inputs)}, not {_listed(told)}.")
    told = {port.name for port in card.outputs}
    if not told <= set(session.outputs):
        raise ValueError(f"it has the outputs {_listed(session.outputs)}, not {_listed(told)}.")


def _check_port(port: Port, plug: Plug, rules: Preprocess) -> None:
    if plug.dtype != port.dtype or plug.dtype not in ("float32", "float16"):
        raise ValueError(f"{port.name} has {plug.dtype}; expected {port.dtype}.")
    same = len(plug.shape) == len(port.shape) and all(
        there == told or not (isinstance(there, int) and isinstance(told, int))
        for there, told in zip(plug.shape, port.shape, strict=True)
    )
    if not same:
        raise ValueError(f"{port.name} has shape {plug.shape}; expected {port.shape}.")
    if port.role in ("state", "ratio"):
        return
    encode = rules.encode or levels
    channels = CHANNELS.get(port.role) or encode(np.zeros((1, 1), np.uint8)).shape[-1]
    if len(plug.shape) != 4 or (isinstance(plug.shape[0], int) and plug.shape[0] != 1):
        raise ValueError(f"{port.name} has shape {plug.shape}; expected one picture or any number.")
    found = plug.shape[port.layout.index("C")]
    if isinstance(found, int) and found != channels:
        raise ValueError(f"{port.name} has {found} channels; expected {channels}.")


def _check_roles(card: Card) -> None:
    if card.rules.coarse:
        raise ValueError("its rules have a second size of the picture, which no file takes.")
    counts = {role: len(card.ports(role)) for role in ("image", "trimap", "plate", "alpha")}
    expected = {
        "image": 1,
        "trimap": int(card.rules.encode is not None),
        "plate": int(card.rules.plate),
        "alpha": 1,
    }
    for role, count in expected.items():
        if counts[role] != count:
            raise ValueError(f"it has {counts[role]} of the role {role}; its rules need {count}.")
    came = sum(port.role == "state" for port in card.inputs)
    if came != sum(port.role == "state" for port in card.outputs):
        raise ValueError("it has not as many states among its outputs as among its inputs.")


def _check_size(card: Card) -> None:
    size = fixed(card.ports("image")[0])
    if size is not None and fixed_size(card.rules, *size) is not card.rules:
        raise ValueError(f"it takes {size[0]} × {size[1]} pixels, and its rules lead elsewhere.")


def fixed(port: Port) -> tuple[int, int] | None:
    """Return the height and width of the pictures that an input takes, where they are fixed."""
    height, width = (port.shape[port.layout.index(side)] for side in "HW")
    return (height, width) if isinstance(height, int) and isinstance(width, int) else None


def _listed(names: Iterable[str]) -> str:
    return ", ".join(sorted(names))
