"""Put the tensors of the authors' checkpoint into our model: each one, and each once.

Each publication's file in `catalogue` has the names that only its checkpoints need. The names and
layouts of a layer's arrays are the same in all models and are here.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from math import prod
from typing import NamedTuple

import jax.numpy as jnp
import numpy as np
from flax import nnx

from alphamat_deep import layers


class Names(NamedTuple):
    """How a checkpoint's names become a model's."""

    rename: tuple[tuple[str, str], ...] = ()
    """Regular expressions and their replacements, applied in this order."""
    ignore: tuple[str, ...] = ()
    """Regular expressions of original names that the model does not use."""
    spare: tuple[str, ...] = ()
    """Regular expressions of original names that only some configurations use."""


class Layout(NamedTuple):
    """How one of their arrays becomes ours, and ours theirs."""

    original: Callable[[tuple[int, ...]], tuple[int, ...]]
    """Their shape, from ours."""
    convert: Callable[[np.ndarray, tuple[int, ...]], np.ndarray]
    """Their array, turned into one of our shape."""
    revert: Callable[[np.ndarray], np.ndarray]
    """Our array, turned into theirs."""


def _column(v: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    return v.reshape(shape[2], *shape[:2]).transpose(1, 2, 0)


def _flat(v: np.ndarray) -> np.ndarray:
    return v.transpose(2, 0, 1).reshape(-1)


SAME = Layout(lambda shape: shape, lambda array, shape: array, lambda array: array)
KERNEL = Layout(  # (out, in, h, w) → (h, w, in, out)
    lambda shape: (shape[3], shape[2], *shape[:2]),
    lambda w, shape: w.transpose(2, 3, 1, 0),
    lambda w: w.transpose(3, 2, 0, 1),
)
MIRRORED = Layout(  # (in, out, h, w) of a transposed convolution → (h, w, in, out), turned round
    lambda shape: (*shape[2:], *shape[:2]),
    lambda w, shape: w.transpose(2, 3, 0, 1)[::-1, ::-1],
    lambda w: w[::-1, ::-1].transpose(2, 3, 0, 1),
)
COLUMN = Layout(lambda shape: (prod(shape),), _column, _flat)  # (in h w,) → (h, w, in)
MIRRORED_COLUMN = Layout(
    COLUMN.original,
    lambda v, shape: _column(v, shape)[::-1, ::-1],
    lambda v: _flat(v[::-1, ::-1]),
)

# The authors' name of each array of a layer; our name, and how theirs becomes ours.
FORMS = {
    layers.Conv: {"weight": ("kernel", KERNEL), "bias": ("bias", SAME)},
    layers.StandardisedConv: {"weight": ("kernel", KERNEL), "bias": ("bias", SAME)},
    layers.ConvTranspose: {"weight": ("kernel", MIRRORED), "bias": ("bias", SAME)},
    layers.SpectralConv: {
        "weight_bar": ("kernel", KERNEL),
        "weight_u": ("u", SAME),
        "weight_v": ("v", COLUMN),
    },
    layers.SpectralConvTranspose: {
        "weight_bar": ("kernel", MIRRORED),
        "weight_u": ("u", SAME),
        "weight_v": ("v", MIRRORED_COLUMN),
    },
    layers.BatchNorm: {
        "weight": ("scale", SAME),
        "bias": ("bias", SAME),
        "running_mean": ("mean", SAME),
        "running_var": ("var", SAME),
    },
    layers.GroupNorm: {"weight": ("scale", SAME), "bias": ("bias", SAME)},
    nnx.InstanceNorm: {"scale": ("scale", SAME), "bias": ("bias", SAME)},
    nnx.LayerNorm: {"weight": ("scale", SAME), "bias": ("bias", SAME)},
    layers.PositionEmbedding: {"weight": ("weight", SAME)},
    layers.RelativeAttention: {
        "rel_pos_h": ("rel_pos_h", SAME),
        "rel_pos_w": ("rel_pos_w", SAME),
    },
    layers.WindowAttention: {
        "relative_position_bias_table": ("relative_position_bias_table", SAME),
    },
}

# Names that all models of a framework share. Counters of batches are not used here.
EVERYWHERE = Names(
    rename=(
        (r"^module\.", ""),
        (r"\._mean$", ".running_mean"),  # Paddle's
        (r"\._variance$", ".running_var"),
        (r"\.weight_orig$", ".weight_bar"),
    ),
    ignore=(r"\.num_batches_tracked$",),
)

TOLD = 10  # faults that a message lists


def fill(
    model: nnx.Module,
    tensors: Mapping[str, np.ndarray],
    names: Names = Names(),
    *,
    part: str = "",
) -> None:
    """Set every array of a model to its tensor of a checkpoint.

    Parameters
    ----------
    model : nnx.Module
        Its values may be abstract, as `nnx.eval_shape` makes them.
    tensors : mapping of names to arrays
        The authors' names; or ours, as `tensors_of` has them, if it has all of these.
    names : Names
        The rules that this model's names need beyond `EVERYWHERE`.
    part : str
        Regular expression of the arrays that must have a tensor; others keep their values.

    Raises
    ------
    ValueError
        If such an array has no tensor, or a tensor no array; if two tensors are for one array; if a
        shape differs, or a value is not a finite number. The message lists ten such faults, and
        counts the others.
    """
    slots, faults, taken = _slots(model), [], {}
    ours = set(tensors) <= set(slots)
    for original, tensor in tensors.items():
        name = original if ours else our_name(original, names)
        if name is None:
            continue
        if name not in slots:
            if not matches(names.spare, original):
                faults.append(f"`{original}` has no place in the model")
        elif name in taken:
            faults.append(f"`{original}` and `{taken[name]}` are for one place")
        else:
            taken[name] = original
            variable, layout = slots[name]
            faults += _set(variable, layout, original, np.asarray(tensor))
    lost = [name for name in slots if name not in taken and re.search(part, name)]
    faults += [f"there is nothing for `{name}`" for name in lost]
    if faults:
        more = f"; and {len(faults) - TOLD} more" if len(faults) > TOLD else ""
        raise ValueError(
            f"The tensors are not those of this model ({len(faults)} faults): "
            f"{'; '.join(faults[:TOLD])}{more}."
        )


def tensors_of(model: nnx.Module) -> dict[str, np.ndarray]:
    """Return every array of a model as `fill` takes it: by our names, in the authors' layout."""
    return {
        name: np.ascontiguousarray(layout.revert(np.asarray(variable[...])))
        for name, (variable, layout) in _slots(model).items()
    }


def shapes_of(model: nnx.Module) -> dict[str, tuple[int, ...]]:
    """Return the shape of every array of a model as `tensors_of` would return it."""
    return {name: layout.original(x.shape) for name, (x, layout) in _slots(model).items()}


def renamed_like(
    tensors: Mapping[str, np.ndarray], like: Mapping[str, np.ndarray], names: Names
) -> dict[str, np.ndarray]:
    """Return tensors that have our names under the names, and in the shapes, of a checkpoint."""
    found = {original: our_name(original, names) for original in like}
    if lost := set(tensors) - set(found.values()):
        raise ValueError(
            f"`like` has no names for {len(lost)} arrays of the model, such as `{min(lost)}`; "
            "expected a checkpoint of the same network."
        )
    return {
        original: tensors[name].reshape(np.shape(like[original]))
        for original, name in found.items()
        if name is not None and name in tensors
    }


def our_name(original: str, names: Names) -> str | None:
    """Return our name of an authors' tensor; None where the model does not use it."""
    if matches(names.ignore + EVERYWHERE.ignore, original):
        return None
    return renamed(original, EVERYWHERE.rename + names.rename)


def _slots(model: nnx.Module) -> dict[str, tuple[nnx.Variable, Layout]]:
    """Return each array's place in the model, by the authors' names."""
    return {
        ".".join(map(str, (*path, theirs))): (getattr(layer, ours), layout)
        for path, layer in nnx.iter_modules(model)
        for theirs, (ours, layout) in FORMS.get(type(layer), {}).items()
        if getattr(layer, ours) is not None
    }


def matches(patterns: tuple[str, ...], name: str) -> bool:
    return any(re.search(pattern, name) for pattern in patterns)


def renamed(name: str, substitutions: tuple[tuple[str, str], ...]) -> str:
    for pattern, replacement in substitutions:
        name = re.sub(pattern, replacement, name)
    return name


def _set(variable: nnx.Variable, layout: Layout, name: str, tensor: np.ndarray) -> list[str]:
    """Set a variable, or return the fault."""
    shape = variable.shape
    expected = layout.original(shape)
    if tensor.ndim == 2 and expected[2:] == (1, 1):
        tensor = tensor[..., None, None]  # a linear layer is a convolution of one pixel
    if tensor.shape != expected:
        return [f"`{name}` has shape {tensor.shape}, not {expected}"]
    if tensor.dtype.kind not in "fV" or not np.isfinite(values := tensor.astype(np.float32)).all():
        return [f"`{name}` ({tensor.dtype}) does not hold finite numbers"]
    variable.set_value(jnp.asarray(np.ascontiguousarray(layout.convert(values, shape))))
    return []
