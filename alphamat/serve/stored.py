"""What a job's folder holds beside the files that came with it: arrays, and facts."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Literal, NamedTuple

import numpy as np


class Facts(NamedTuple):
    """What is known of a job that has been worked on."""

    width: int
    height: int
    doubt: float
    reason: str
    """What the doubt is about, in one sentence."""
    warnings: list[str]
    state: str
    """"done", or "unsure": there is no alpha yet, and a person should draw."""


def store(folder: Path, **arrays: np.ndarray) -> None:
    """Store arrays by name. They take the place of older ones whole, and once all are written."""
    for name, array in arrays.items():
        with open(folder / f"{name}.part", "wb") as file:
            np.save(file, array)
    for name in arrays:
        os.replace(folder / f"{name}.part", folder / f"{name}.npy")


def load(folder: Path, name: str) -> np.ndarray:
    """Return a stored array."""
    return np.load(folder / f"{name}.npy")


def mapped(folder: Path, name: str, mode: Literal["r", "r+"] = "r") -> np.ndarray:
    """Return a stored array as a map of its file: only what is used is read."""
    return np.load(folder / f"{name}.npy", mmap_mode=mode)


def store_facts(folder: Path, facts: Facts) -> None:
    part = folder / "facts.part"
    part.write_text(json.dumps(facts._asdict()))
    os.replace(part, folder / "facts.json")


def facts(folder: Path) -> Facts:
    """Return what is known of a job."""
    return Facts(**json.loads((folder / "facts.json").read_text()))
