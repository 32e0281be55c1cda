"""A network as an ONNX file, for programs without JAX."""

from __future__ import annotations

import os
from functools import partial
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

import jax.numpy as jnp
import numpy as np

from alphamat.door.parameters import as_count
from alphamat.extras import not_installed
from alphamat.io.whole import refuse_unwritable, replace_file
from alphamat_deep.export.drawing import draw, draw_all_batches, draw_all_sizes, multiple_of
from alphamat_deep.export.ports import Port, function_of, inputs_of
from alphamat_deep.export.proving import (
    Difference,
    Run,
    differences,
    network_run,
    refuse_unless_equal,
    worst,
)
from alphamat_deep.export.sidecar import sidecar_of
from alphamat_deep.export.writing import OPSET, model_of
from alphamat_deep.matting import Matting

LAYOUTS = "NCHW", "NHWC"
DECIDING = {"ArgMax", "TopK"}  # operators after which a last bit may decide about a whole pixel


class Exported(NamedTuple):
    """What has been written."""

    path: Path
    sidecar: Path
    size: int
    """Bytes of the file."""
    difference: Difference


def export_onnx(
    matting: Matting,
    target: str | os.PathLike[str],
    *,
    size: tuple[int, int] | None = (512, 512),
    batch: int | None = 1,
    layout: str = "NCHW",
    raw: bool = False,
    half: bool = False,
    source: str | os.PathLike[str] | None = None,
) -> Exported:
    """Write a network as ONNX, and beside it, as .json, how pictures are given to it.

    The file is run by onnxruntime on three pictures before it gets its name.

    Parameters
    ----------
    matting : Matting
        In float32, as `load` returns it.
    target : path
        File to write, .onnx, whole or not at all.
    size : (int, int) or None
        Height and width of the pictures that the file takes. None: any batches of any size to
        which the network's rules lead a picture. Some networks allow it; it takes ten times as
        long to write.
    batch : int or None
        How many pictures the file takes at a time. None: any number, which most networks allow.
    layout : "NCHW" or "NHWC"
        Order of the axes of inputs and outputs.
    raw : bool
        Whether the file takes colours that are normalised already. By default it takes colours in
        [0, 1].
    half : bool
        Whether weights are stored as float16, which halves the file. It computes in float32. How
        far alpha moves is measured and written down; it is the `difference` of the result.
    source : path, optional
        The file of the weights, whose SHA-256 is written down.

    Returns
    -------
    Exported
        The paths, and how far alpha was from the network's.

    Raises
    ------
    ImportError
        If onnx or onnxruntime is not installed.
    ValueError
        If the network cannot be written, or if the file computes something else. No file is left.
    """
    _refuse_without_packages()
    refuse_unwritable(target, endings=(".onnx",))
    if layout not in LAYOUTS:
        raise ValueError(f"`layout` is {layout!r}; expected one of: {', '.join(LAYOUTS)}.")
    refuse_other_inputs(matting, size)
    batch = None if batch is None else as_count(batch, "batch")
    function, state = function_of(matting, raw=raw)
    if size is None:
        multiple = multiple_of(matting.preset.preprocess)
        drawn = draw_all_sizes(matting, function, state, layout, multiple)
        sizes = _sizes_of_proof(multiple)
    elif batch is None:
        drawn = draw_all_batches(matting, function, state, layout, size)
        sizes = [(1, *size), (2, *size)]
    else:
        drawn = draw(matting, function, state, layout, (batch, *size))
        sizes = [(batch, *size)]
    model = model_of(drawn, layout)
    ours = network_run(function, state, matting.precision)
    prove = partial(_differences, matting, ours, drawn.outputs, layout, sizes)
    found = prove(model)
    refuse_unless_equal(found, decides=any(n.operator in DECIDING for n in drawn.graph.nodes))
    if half:
        model = model_of(drawn, layout, half=True)
        found = prove(model)
    told = sidecar_of(
        matting,
        drawn.inputs,
        drawn.outputs,
        form="alphamat-onnx",
        layout=layout,
        raw=raw,
        source=source,
        versions={"onnx": version("onnx"), "onnxruntime": version("onnxruntime"), "opset": OPSET},
        difference=found,
    )
    return write_files(target, model, told, found)


def write_files(
    target: str | os.PathLike[str], content: bytes, sidecar: bytes, difference: Difference
) -> Exported:
    """Write a file, then its sidecar, and return what there is."""
    path = Path(target)
    beside = path.with_name(f"{path.name}.json")
    replace_file(path, [content])
    replace_file(beside, [sidecar])
    return Exported(path, beside, len(content), difference)


def refuse_other_inputs(matting: Matting, size: tuple[int, int] | None) -> None:
    """Raise an error for what is no network or no size, or computes in another type."""
    if not isinstance(matting, Matting):
        raise TypeError(f"`matting` is {matting!r:.80}; expected a network, as `load` returns it.")
    sides = size if isinstance(size, tuple | list) else ()
    if size is not None and not (
        len(sides) == 2 and all(isinstance(side, int) and side > 0 for side in sides)
    ):
        raise ValueError(f"`size` is {size!r}; expected a height and a width, in pixels.")
    if matting.dtype != jnp.float32:
        raise ValueError(f"`matting` computes in {matting.dtype}; expected float32.")
    if matting.preset.preprocess.coarse:
        raise ValueError(
            f"`matting` is {matting.name}, which sees each picture at two sizes; expected one that "
            "sees it at one, as a file does."
        )


def _refuse_without_packages() -> None:
    for package in ("onnx", "onnxruntime"):
        if find_spec(package) is None:
            raise not_installed(f"Export needs {package}", "export")


def _sizes_of_proof(multiple: int) -> list[tuple[int, int, int]]:
    """Return two sizes that are not in `SIZES`."""
    side = max(3, 128 // multiple)
    return [(1, multiple * side, multiple * (side + 1)), (2, multiple * (side + 1), multiple * 2)]


def _differences(
    matting: Matting,
    ours: Run,
    outputs: list[Port],
    layout: str,
    sizes: list[tuple[int, int, int]],
    model: bytes,
) -> Difference:
    theirs = onnx_run(model, layout)
    return worst(
        [differences(matting, ours, theirs, inputs_of(matting, *size), outputs) for size in sizes]
    )


def onnx_run(model: bytes, layout: str) -> Run:
    """Return a function of arrays, (B, H, W, C), that onnxruntime computes."""
    import onnxruntime

    onnxruntime.set_default_logger_severity(3)
    session = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])
    names = [each.name for each in session.get_inputs()]
    to, back = (tuple(map(a.index, b)) for a, b in (("NHWC", layout), (layout, "NHWC")))

    def run(*inputs: np.ndarray) -> list[np.ndarray]:
        laid = [np.ascontiguousarray(x.transpose(to)) for x in inputs]
        return [x.transpose(back) for x in session.run(None, dict(zip(names, laid, strict=True)))]

    return run
