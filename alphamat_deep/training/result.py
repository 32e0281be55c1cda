"""The network of a run: as a method for pictures, and as a file."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jax.numpy as jnp
from flax import nnx

import alphamat
from alphamat_deep.catalogue import Preset
from alphamat_deep.checkpoints import write_native
from alphamat_deep.matting import Matting
from alphamat_deep.training.keeping import Arrays, Notes, state_of
from alphamat_deep.training.recipe import Recipe
from alphamat_deep.training.state import State, network
from alphamat_deep.zoo import state_dict


def method_of(
    recipe: Recipe, row: Preset, model: nnx.Module, like: State, arrays: Arrays, step: int
) -> Matting:
    """Return the network of a state as `alphamat_deep.load` would, on this process's device."""
    state = state_of(arrays, like._replace(moments=()))
    trained = network(recipe, model, state)
    return Matting(recipe.preset, row, trained, jnp.dtype(jnp.float32), f"step {step}")


def write_network(
    path: Path, method: Matting, notes: Notes, settings: Mapping[str, Any], told: Mapping[str, Any]
) -> None:
    """Write the network, with its provenance as metadata."""
    scored = math.isfinite(notes.score)
    provenance = {
        "preset": method.name,
        "steps": str(notes.step),
        "score": f"SAD {notes.score:.5g} on held-out samples" if scored else "none",
        "settings": json.dumps(settings),
        **{name: str(value) for name, value in told.items()},
        "writer": f"alphamat {alphamat.__version__}",
    }
    write_native(path, state_dict(method.name, method.model), provenance)
