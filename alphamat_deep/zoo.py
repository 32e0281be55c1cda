"""From the name of a published network to the network: bare, filled, or ready for pictures."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, fields, replace
from functools import partial
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx

import alphamat
from alphamat.door import as_array, memory, refuse_other_size
from alphamat.method import Matte
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
    row, tensors = _configured(_row(preset), config), read(weights)
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
    return row.model(_configured(row, config).config, rngs=rngs)


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
    row = _configured(_row(preset), config)
    model = _without_values(row)
    fill(model, tensors, row.names)
    return model


@dataclass(frozen=True)
class Matting:
    """A published network with its weights: `(image, trimap=None, plate=None) -> alpha`."""

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

    def __reduce__(self):
        # The graph is made again: it holds functions of JAX, which pickle would not find.
        return _with_state, (self.name, self.preset, self.state, self.dtype, self.weights)

    def __call__(self, image, trimap=None, plate=None) -> np.ndarray:
        """Estimate alpha.

        Parameters
        ----------
        image, trimap, plate
            As the methods of `alphamat` take them; trimap and plate only where the network
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
        return self.layers(image, trimap, plate).alpha

    def layers(self, image, trimap=None, plate=None) -> Matte:
        """Estimate alpha and, where the network has one, the foreground's colours.

        It takes and refuses what a call does.
        """
        return self._next(None, image, trimap, plate)[0]

    def clip(self) -> Callable[..., Matte]:
        """Return what mattes the frames of a clip, one after the other, as `layers` does a picture.

        A network with a memory uses for each frame what it saw in those before. It refuses a frame
        of another size than the first.
        """
        if not hasattr(self.preset.model, "initial_state"):
            return self.layers
        seen = size = None

        def step(image, trimap=None, plate=None) -> Matte:
            nonlocal seen, size
            image = as_array(image, name="image")
            if size is not None:
                refuse_other_size(image.shape, size, "image", "the clip's first frame")
            matte, seen = self._next(seen, image, trimap, plate)
            size = image.shape
            return matte

        return step

    def _next(self, seen, image, trimap, plate) -> tuple[Matte, tuple | None]:
        """Return a frame's matte, and what the network has seen of the clip by then."""
        rules = self.preset.preprocess
        if rules.plate and plate is None:
            raise ValueError(
                f"`plate` is missing; {self.name} needs a picture of the same scene without "
                "the foreground."
            )
        prepared = rules.apply(image, trimap, plate)
        self._refuse_beyond_memory(*prepared.inputs[0].shape[1:3])
        inputs = [jnp.asarray(x, self.dtype) for x in prepared.inputs]
        if hasattr(self.preset.model, "initial_state"):
            if seen is None:
                seen = nnx.merge(self.graph, self.state).initial_state(inputs[0])
            inputs.append(seen)
        alpha, foreground, seen = _layers(self.graph, self.state, *inputs)
        if foreground is not None:
            foreground = rules.undo_chain(np.asarray(foreground[0], np.float32), prepared)
        alpha = rules.undo(np.asarray(alpha[0, ..., 0], np.float32), prepared)
        return Matte(alpha, foreground), seen

    def _refuse_beyond_memory(self, height: int, width: int) -> None:
        if jax.default_backend() == "cpu":
            memory.refuse_beyond(
                self.preset.memory(height, width) * self.dtype.itemsize / 4,
                f"{self.name} on {height} × {width} (height × width)",
                "Make the image smaller, or matte it in parts.",
            )


@partial(jax.jit, static_argnums=0)
def _layers(graph, state, *inputs):
    output = nnx.merge(graph, state)(*inputs)
    return output.alpha, getattr(output, "foreground", None), getattr(output, "state", None)


def _row(preset: str) -> Preset:
    if preset not in PRESETS:
        raise ValueError(f"`preset` is {preset!r}; expected one of: {', '.join(PRESETS)}.")
    return PRESETS[preset]


def _configured(row: Preset, config: dict) -> Preset:
    known = [field.name for field in fields(row.config)]
    strange = sorted(set(config) - set(known))
    if strange:
        raise TypeError(
            f"{', '.join(strange)} are no fields of the network's configuration; "
            f"expected some of: {', '.join(known)}."
        )
    return replace(row, config=replace(row.config, **config))


def _without_values(row: Preset) -> nnx.Module:
    model = nnx.eval_shape(lambda: row.model(row.config, rngs=_counting_outside()))
    model.eval()
    return model


def _with_state(name: str, row: Preset, state: nnx.State, dtype: np.dtype, weights: str) -> Matting:
    return Matting(name, row, nnx.graphdef(_without_values(row)), state, dtype, weights)


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
