"""What the authors' programs compute in training: numbers beside the project, where they are.

A document is one of its JSON files: what was run on which inputs, and the scalars. Arrays lie
beside it under the same name. Here all pictures and clips are turned to channels last.
"""

import json
from dataclasses import dataclass
from functools import cache
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

import numpy as np
import pytest

BESIDE = Path(__file__).parents[4] / "shared" / "oracle_training"


@dataclass(frozen=True, eq=False)
class LossCase:
    """One call of an authors' loss."""

    name: str
    """As in the document: "set of inputs/what"."""
    arguments: dict[str, np.ndarray]
    """Float32 by the authors' name, channels last."""
    loss: dict[str, float]
    """"total", and components by the authors' names."""
    gradients: dict[str, np.ndarray]
    """Of "total", by argument, channels last."""
    float32: dict[str, float]
    """By argument: how far the authors' gradient in float32 is from theirs in float64 (L2)."""
    more: dict[str, np.ndarray]
    """Further arrays that the authors' program made, channels last."""


def loss_cases(name):
    """Return all cases of a document such as "loss_dim"."""
    made, stored = document(name), arrays(name)
    inputs = built(made)

    def case(key, entry):
        of_set = inputs[entry["set"]]
        return LossCase(
            key,
            {argument: of_set[array] for argument, array in entry["args"].items()},
            entry["loss"],
            {of: channels_last(stored[grad["npz"]]) for of, grad in entry["grad"].items()},
            {of: grad["f32_rel_l2"] for of, grad in entry["grad"].items()},
            {of: channels_last(stored[key]) for of, key in entry.get("arrays", {}).items()},
        )

    return [case(*item) for item in made["cases"].items()]


def built(made):
    """Return a document's inputs, rebuilt: {set: {name: float32 array, channels last}}."""
    return {
        name: {key: channels_last(array) for key, array in _built(made["name"], name).items()}
        for name in made["inputs"]
    }


def channels_last(array):
    """Turn (…, C, H, W) to (…, H, W, C)."""
    return np.moveaxis(array, -3, -1)


def documents(kind):
    """Return the names of all documents of a kind: "loss", "step", "data", "schedule"."""
    _refuse_absence()
    return sorted(
        file.stem for file in BESIDE.glob("*.json") if document(file.stem)["kind"] == kind
    )


@cache
def document(name):
    _refuse_absence()
    return json.loads((BESIDE / f"{name}.json").read_text())


@cache
def arrays(name):
    """Return the arrays of a document by their keys, in the authors' layout."""
    _refuse_absence()
    with np.load(BESIDE / f"{name}.npz") as stored:
        return dict(stored)


@cache
def maker():
    """Return the module that rebuilds inputs: `build`, `digest`, `sample_index`."""
    _refuse_absence()
    spec = spec_from_file_location("make_inputs", BESIDE / "make_inputs.py")
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@cache
def _built(name, of_set):
    made = document(name)
    inputs = maker().build(made["seed"], made["inputs"][of_set])
    assert maker().digest(inputs) == made["inputs_sha256"][of_set]
    return inputs


def _refuse_absence():
    if not BESIDE.is_dir():
        pytest.skip("the authors' numbers in ../shared/oracle_training are not here")
