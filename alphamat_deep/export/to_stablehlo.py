"""A network as StableHLO, the language of XLA, for programs with JAX but without our code."""

from __future__ import annotations

import os

import jax
import numpy as np
from jax import export

from alphamat.io.whole import refuse_unwritable
from alphamat_deep.export.ports import function_of, inputs_of, outputs_of, spec
from alphamat_deep.export.proving import differences, network_run, refuse_unless_equal
from alphamat_deep.export.sidecar import sidecar_of
from alphamat_deep.export.to_onnx import Exported, refuse_other_inputs, write_files
from alphamat_deep.matting import Matting

PLATFORMS = "cpu", "cuda", "tpu"


def export_stablehlo(
    matting: Matting,
    target: str | os.PathLike[str],
    *,
    size: tuple[int, int] = (512, 512),
    raw: bool = False,
    source: str | os.PathLike[str] | None = None,
) -> Exported:
    """Write a network as `jax.export` serialises it, and beside it, as .json, how it is used.

    `jax.export.deserialize` reads the file, and its `call` takes the inputs in their order,
    channels last. It runs on CPUs, and on GPUs and TPUs with what XLA has for them. JAX promises
    to read it for six months after the version that wrote it, and three weeks before.

    The file is read and run on three pictures before it gets its name.

    Parameters
    ----------
    matting : Matting
        As `load` returns it, in float32.
    target : path
        File to write, .stablehlo, whole or not at all.
    size : (int, int)
        Height and width of the pictures that the file takes.
    raw : bool
        Whether the file takes colours that are normalised already. By default it takes colours in
        [0, 1].
    source : path, optional
        The file of the weights, whose SHA-256 is written down.

    Returns
    -------
    Exported
        The paths, and how far alpha was from the network's.

    Raises
    ------
    ValueError
        If the network takes no pictures of this size, or if the file computes something else. No
        file is left.
    """
    refuse_unwritable(target, endings=(".stablehlo",))
    if size is None:
        raise ValueError("`size` is None; expected a height and a width: StableHLO has one size.")
    refuse_other_inputs(matting, size)
    function, state = function_of(matting, raw=raw)
    inputs = inputs_of(matting, 1, *size)
    with jax.default_matmul_precision(matting.precision):
        outputs = outputs_of(function, state, inputs)
        made = export.export(jax.jit(lambda *x: function(state, *x)), platforms=PLATFORMS)
        content = bytes(made(*map(spec, inputs)).serialize())
    read = jax.jit(export.deserialize(bytearray(content)).call)
    found = differences(
        matting,
        network_run(function, state, matting.precision),
        lambda *x: [np.asarray(y) for y in read(*x)],
        inputs,
        outputs,
    )
    refuse_unless_equal(found, decides=False)
    told = sidecar_of(
        matting,
        inputs,
        outputs,
        form="alphamat-stablehlo",
        layout="NHWC",
        raw=raw,
        source=source,
        versions={},
        difference=found,
    )
    return write_files(target, content, told, found)
