"""From the name of a published network to the network: bare, filled, or ready for pictures."""

from __future__ import annotations

import hashlib
import os
import warnings
from collections.abc import Mapping
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx
from jax.typing import DTypeLike

import alphamat
from alphamat_deep.catalogue import PRESETS, Preset
from alphamat_deep.checkpoints import read, write_native
from alphamat_deep.compiling import keep_compiled, without_values
from alphamat_deep.fill import fill, renamed_like, tensors_of
from alphamat_deep.matting import PRECISIONS, Matting


def load(
    preset: str,
    weights: str | os.PathLike[str] | None = None,
    *,
    dtype: DTypeLike = jnp.float32,
    precision: str = "highest",
    **config: Any,
) -> Matting:
    """Load a published network, ready for pictures.

    Parameters
    ----------
    preset : str
        One of `alphamat_deep.PRESETS`.
    weights : path
        The authors' file (.pth, .ckpt, .tar, .pdparams), or what `alphamat convert` made of it
        (.safetensors), or .npz. Its contents decide which, not its name; nothing in it is executed.
        "learned", the library's own network, needs none.
    dtype : float32 or bfloat16
        Type of the network's computations. bfloat16 takes half the memory. With random weights,
        which amplify errors, alpha changed by 0.006 to 0.02 on average, in `dim` by 0.08.
    precision : "highest", "high" or "default"
        How products of float32 are computed on GPUs and TPUs. "highest" gives the authors' numbers.
        "default" leaves it to JAX, which rounds factors to TF32 or bfloat16: it is faster, and
        alpha may differ anywhere. On CPUs all are the same.
    **config
        Fields of the network's configuration to change.

    Returns
    -------
    Matting
        A method like any other: `(image, trimap) -> alpha`.

    Raises
    ------
    FileNotFoundError, ValueError
        If there is no such preset or file, if the file is damaged, or if its tensors are not the
        network's.
    """
    if precision not in PRECISIONS:
        raise ValueError(f"`precision` is {precision!r}; expected one of: {', '.join(PRECISIONS)}.")
    row = _configured(_row(preset), config)
    tensors = read(_bundled(preset) if weights is None else weights)
    model = from_state_dict(preset, tensors, **config)
    if row.doubt is not None and (text := row.doubt(model)):
        warnings.warn(text, stacklevel=2)
    if dtype != jnp.float32:
        nnx.update(model, jax.tree.map(lambda x: x.astype(dtype), nnx.state(model)))
    keep_compiled()
    return Matting(preset, row, model, jnp.dtype(dtype), _digest(tensors), precision)


def convert(
    source: str | os.PathLike[str],
    target: str | os.PathLike[str],
    preset: str,
    *,
    like: str | os.PathLike[str] | None = None,
) -> None:
    """Convert a checkpoint to .safetensors, with its provenance as metadata.

    Parameters
    ----------
    source : path
        The authors' file, in any form that `load` takes.
    target : path
        File to write, whole or not at all. The tensors keep their authors' names and types.
    preset : str
        The network that the tensors must fill.
    like : path, optional
        A checkpoint of the same network whose names the tensors get instead, as in `state_dict`.

    Raises
    ------
    FileNotFoundError, ValueError
        As for `load`; or if `like` has no names for them.
    """
    tensors = read(source)
    model = from_state_dict(preset, tensors)
    if like is not None:
        tensors = state_dict(preset, model, like=read(like))
    weights = _row(preset).weights
    with open(source, "rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    provenance = {
        "preset": preset,
        "source": Path(source).name,
        "source_sha256": digest,
        "published": weights.place if weights else "",
        "licence": weights.licence if weights else "",
        "converter": f"alphamat {alphamat.__version__}",
    }
    write_native(target, tensors, provenance)


def build(preset: str, *, rngs: nnx.Rngs, **config: Any) -> nnx.Module:
    """Return the network of a preset with fresh parameters, in training mode.

    The network takes normalised arrays (B, H, W, C) and returns a NamedTuple whose first field is
    `alpha`, (B, H, W, 1). `config` are fields of its configuration to change.
    """
    row = _row(preset)
    return row.model(_configured(row, config).config, rngs=rngs)


def from_state_dict(preset: str, tensors: Mapping[str, np.ndarray], **config: Any) -> nnx.Module:
    """Return the network of a preset with the authors' tensors, in evaluation mode.

    Parameters
    ----------
    preset : str
        One of `alphamat_deep.PRESETS`.
    tensors : mapping of the authors' names to arrays
        In their layout, or what `state_dict` returned. Every one must be used, and every parameter
        filled.
    **config
        Fields of the network's configuration to change.

    Raises
    ------
    ValueError
        If the tensors are not this network's; the message lists ten faults and counts the others.
    """
    row = _configured(_row(preset), config)
    model = without_values(row)
    fill(model, tensors, row.names)
    return model


def state_dict(
    preset: str, model: nnx.Module, *, like: Mapping[str, np.ndarray] | None = None
) -> dict[str, np.ndarray]:
    """Return the parameters and statistics of a network, such as one that was trained, by name.

    `from_state_dict` takes them back, bit for bit.

    Parameters
    ----------
    preset : str
        The network's.
    model : nnx.Module
        As `build` or `from_state_dict` returned it.
    like : mapping of the authors' names to arrays, optional
        A checkpoint of the same network, whose names and shapes the result has: for the authors'
        program. What our network does not use, such as counters and losses, is left out, so load it
        there with `strict=False`. By default the names are ours.

    Returns
    -------
    dict of str to array, in the authors' layout, such as (out, in, h, w).

    Examples
    --------
    >>> import alphamat_deep
    >>> from flax import nnx
    >>> model = alphamat_deep.build("rvm-mobilenetv3", rngs=nnx.Rngs(0))
    >>> tensors = alphamat_deep.state_dict("rvm-mobilenetv3", model)
    >>> tensors["project_mat.conv.weight"].shape
    (4, 16, 1, 1)
    """
    row, tensors = _row(preset), tensors_of(model)
    return tensors if like is None else renamed_like(tensors, like, row.names)


def save(
    preset: str,
    model: nnx.Module,
    target: str | os.PathLike[str],
    *,
    like: Mapping[str, np.ndarray] | None = None,
) -> None:
    """Write a network, such as one that was trained, as .safetensors, which `load` reads.

    Parameters
    ----------
    preset, model, like
        See `state_dict`.
    target : path
        File to write, whole or not at all.

    Raises
    ------
    FileNotFoundError, ValueError
        If there is no such preset, or no such file can be written.

    Examples
    --------
    >>> import tempfile, alphamat_deep
    >>> from flax import nnx
    >>> model = alphamat_deep.build("rvm-mobilenetv3", rngs=nnx.Rngs(0))
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     alphamat_deep.save("rvm-mobilenetv3", model, f"{folder}/rvm.safetensors")
    ...     method = alphamat_deep.load("rvm-mobilenetv3", f"{folder}/rvm.safetensors")
    >>> method.name
    'rvm-mobilenetv3'
    """
    tensors = state_dict(preset, model, like=like)
    notes = {"preset": preset, "writer": f"alphamat {alphamat.__version__}"}
    write_native(target, tensors, notes)


def _bundled(preset: str) -> Path:
    """Return the file of the weights that come with a network."""
    if not (file := _row(preset).bundled):
        raise ValueError(
            f"`weights` is missing; {preset} needs its authors' file. `alphamat models {preset}` "
            "says where they publish it."
        )
    return Path(alphamat.__file__).parent / "assets" / file


def _row(preset: str) -> Preset:
    if preset not in PRESETS:
        raise ValueError(f"`preset` is {preset!r}; expected one of: {', '.join(PRESETS)}.")
    return PRESETS[preset]


def _configured(row: Preset, config: dict) -> Preset:
    known = [field.name for field in fields(row.config)]
    strange = sorted(set(config) - set(known))
    if strange:
        raise TypeError(
            f"The network's configuration has no fields {', '.join(strange)}; "
            f"expected some of: {', '.join(known)}."
        )
    return replace(row, config=replace(row.config, **config))


def _digest(tensors: Mapping[str, np.ndarray]) -> str:
    seen = hashlib.blake2b(digest_size=8)
    for name, tensor in tensors.items():
        seen.update(name.encode())
        seen.update(np.ascontiguousarray(tensor).view(np.uint8).data)
    return seen.hexdigest()
