"""From the name of a published network to the network: bare, filled, or ready for pictures."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, fields, replace
from functools import partial
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx

import alphamat
from alphamat import memory
from alphamat_deep.checkpoints import read, write_native
from alphamat_deep.fill import fill
from alphamat_deep.presets import PRESETS, Preset


def load(preset: str, weights: str | os.PathLike, *, dtype=jnp.float32, **config) -> Matting:
    """Load a published network, ready for pictures.

    Parameters
    ----------
    preset : str
        One of `alphamat_deep.PRESETS`.
    weights : path
        The authors' file (.pth, .ckpt, .tar, .pdparams), or what `alphamat convert` made of it
        (.safetensors), or .npz. What it is, its contents say; nothing in it is executed.
    dtype : float32 or bfloat16
        In which the network computes. bfloat16 takes half the memory. With random weights, which
        amplify errors, alpha moved by 0.006 to 0.02 on average, in `dim` by 0.08.
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
    row, tensors = _row(preset), read(weights)
    model = from_state_dict(preset, tensors, **config)
    if dtype != jnp.float32:
        nnx.update(model, jax.tree.map(lambda x: x.astype(dtype), nnx.state(model)))
    _keep_compiled()
    graph, state = nnx.split(model)
    return Matting(preset, row, graph, state, jnp.dtype(dtype), _digest(tensors))


def convert(source: str | os.PathLike, target: str | os.PathLike, preset: str) -> None:
    """Convert a checkpoint to .safetensors, with its provenance as metadata.

    Parameters
    ----------
    source : path
        The authors' file, in any form that `load` takes.
    target : path
        File to write, whole or not at all. The tensors keep their authors' names and types.
    preset : str
        The network, whose tensors they must be.

    Raises
    ------
    FileNotFoundError, ValueError
        As for `load`.
    """
    tensors = read(source)
    from_state_dict(preset, tensors)
    weights = _row(preset).weights
    with open(source, "rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    provenance = {
        "preset": preset,
        "source": Path(source).name,
        "source_sha256": digest,
        "published": weights.url if weights else "",
        "licence": weights.licence if weights else "",
        "converter": f"alphamat {alphamat.__version__}",
    }
    write_native(target, tensors, provenance)


def build(preset: str, *, rngs: nnx.Rngs, **config) -> nnx.Module:
    """Return the network of a preset with fresh parameters, in training mode.

    It is called with arrays (B, H, W, C), normalised, and returns a NamedTuple whose first field is
    `alpha`, (B, H, W, 1). **config are fields of its configuration to change.
    """
    row = _row(preset)
    return row.model(_configured(row, config), rngs=rngs)


def from_state_dict(preset: str, tensors: Mapping[str, np.ndarray], **config) -> nnx.Module:
    """Return the network of a preset with the authors' tensors, in evaluation mode.

    Parameters
    ----------
    preset : str
        One of `alphamat_deep.PRESETS`.
    tensors : mapping of the authors' names to arrays
        In their layout. Every one must be used, and every parameter filled.
    **config
        Fields of the network's configuration to change.

    Raises
    ------
    ValueError
        If the tensors are not this network's; the message lists all that is wrong.
    """
    row = _row(preset)
    settled = _configured(row, config)
    model = nnx.eval_shape(lambda: row.model(settled, rngs=_counting_outside()))
    fill(model, tensors, row.names)
    model.eval()
    return model


@dataclass(frozen=True)
class Matting:
    """A published network with its weights: `(image, trimap=None, background=None) -> alpha`."""

    name: str
    preset: Preset
    graph: nnx.GraphDef
    state: nnx.State
    dtype: np.dtype
    weights: str
    """A digest, by which an evaluation that goes on knows them again."""

    @property
    def __name__(self) -> str:
        return self.name

    def __call__(self, image, trimap=None, background=None) -> np.ndarray:
        """Estimate alpha.

        Parameters
        ----------
        image, trimap, background
            As the methods of `alphamat` take them; trimap and background only where the network
            needs them.

        Returns
        -------
        (H, W) float64 array, alpha in [0, 1], by the authors' rules for pictures of any size.

        Raises
        ------
        TypeError, ValueError
            If an argument is refused, or missing.
        MemoryError
            If this machine cannot hold what the network makes of a picture so large.
        """
        rules = self.preset.preprocess
        prepared = rules.apply(image, trimap)
        self._refuse_beyond_memory(*prepared.inputs[0].shape[1:3])
        inputs = [jnp.asarray(x, self.dtype) for x in prepared.inputs]
        alpha = _alpha(self.graph, self.state, *inputs)
        return rules.undo(np.asarray(alpha[0, ..., 0], np.float32), prepared)

    def _refuse_beyond_memory(self, height: int, width: int) -> None:
        if jax.default_backend() == "cpu":
            memory.refuse_beyond(
                self.preset.memory(height, width) * self.dtype.itemsize / 4,
                f"{self.name} on {height} × {width} (height × width)",
                "Make the image smaller, or matte it in parts.",
            )


@partial(jax.jit, static_argnums=0)
def _alpha(graph, state, *inputs):
    return nnx.merge(graph, state)(*inputs).alpha


def _row(preset: str) -> Preset:
    if preset not in PRESETS:
        raise ValueError(f"`preset` is {preset!r}; expected one of: {', '.join(PRESETS)}.")
    return PRESETS[preset]


def _configured(row: Preset, config: dict):
    known = [field.name for field in fields(row.config)]
    strange = sorted(set(config) - set(known))
    if strange:
        raise TypeError(
            f"{', '.join(strange)} are no fields of the network's configuration; "
            f"expected some of: {', '.join(known)}."
        )
    return replace(row.config, **config)


def _counting_outside() -> nnx.Rngs:
    """Return random streams whose counter is not traced.

    Of a traced one JAX looks up, at every draw, all that it has traced before: for a deep network
    that takes 15 seconds.
    """
    rngs = nnx.Rngs(0)
    rngs.default.count = nnx.RngCount(np.zeros((), np.uint32), tag="default")
    return rngs


def _digest(tensors: Mapping[str, np.ndarray]) -> str:
    seen = hashlib.blake2b(digest_size=8)
    for name, tensor in tensors.items():
        seen.update(name.encode())
        seen.update(np.ascontiguousarray(tensor).view(np.uint8))
    return seen.hexdigest()


def _keep_compiled() -> None:
    """Keep compiled networks across processes, unless the user has said where, or has said no."""
    if jax.config.jax_compilation_cache_dir is None and jax.config.jax_enable_compilation_cache:
        home = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
        folder = home / "alphamat" / "jax"
        with suppress(OSError):  # of a home that cannot be written
            folder.mkdir(parents=True, exist_ok=True)
        if os.access(folder, os.W_OK):
            jax.config.update("jax_compilation_cache_dir", str(folder))
