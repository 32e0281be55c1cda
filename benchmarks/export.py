"""Networks as ONNX files, run by onnxruntime on a CPU, beside the same in JAX.

`python -m benchmarks.export [--preset NAME …] [--size N]`. Random weights, float32, one picture of
N × N (512); two threads. Each network is written by `export_onnx` in a process of its own. `differ`
is the largest difference of alphas on the three pictures of its proof, and `rounding` is how far
the network's own alpha moves when colours change in their last bits. Then the file and the network
take turns; times are medians. `OpenCV` is the largest difference of alphas where `cv2.dnn` runs the
file.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import tempfile
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any

import numpy as np

import alphamat_deep
from benchmarks.report import Table, machine

ROUNDS, CORES = 5, 2


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--preset", action="append")
    parser.add_argument("--size", type=int, default=512)
    options = parser.parse_args()
    print(f"{__doc__.strip()}\n\n{machine()}\n")
    table = Table(
        "network                    ", "size", "      MB", "nodes", "differ", "rounding",
        "ours, ms", "onnxruntime, ms", "share", "OpenCV",
    )  # fmt: skip
    for preset in options.preset or alphamat_deep.PRESETS:
        table.add(preset, *in_own_process(row, preset, options.size))


def in_own_process(work, *arguments) -> Any:
    """Return a function's result; all its memory is given back."""
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:
        return pool.submit(work, *arguments).result()


def row(preset: str, size: int) -> list[str]:
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:CORES])
    matting = random_matting(preset)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "net.onnx"
        try:
            found = alphamat_deep.export_onnx(matting, path, size=(size, size))
        except ValueError as fault:
            return [str(size), f"refused: {fault}", *["–"] * 7]
        ours, theirs, inputs = both(matting, path)
        seconds = {run: [] for run in (ours, theirs)}
        for _ in range(1 + ROUNDS):
            for run, spent in seconds.items():
                start = perf_counter()
                run()
                spent.append(perf_counter() - start)
        first, second = (1000 * median(spent[1:]) for spent in seconds.values())
        differ = beside_opencv(path, inputs, theirs())
        return [
            str(size),
            f"{found.size / 1e6:.1f}",
            f"{count_nodes(path)}",
            f"{found.difference.maximum:.0e}",
            f"{found.difference.own:.0e}",
            f"{first:.0f}",
            f"{second:.0f}",
            f"{second / first:.2f}",
            differ,
        ]


def beside_opencv(path: Path, inputs: dict[str, np.ndarray], expected: np.ndarray) -> str:
    try:
        found = in_own_process(opencv_alpha, path, inputs)
    except BrokenProcessPool:
        return "crashes"
    return "–" if found is None else f"{np.abs(found - expected).max():.0e}"


def random_matting(preset: str) -> Any:
    """Return a network with random weights, those of `build`."""
    from flax import nnx

    model = alphamat_deep.build(preset, rngs=nnx.Rngs(7))
    model.eval()
    row = alphamat_deep.PRESETS[preset]
    return alphamat_deep.Matting(preset, row, model, np.dtype("float32"), "random")


def both(matting: Any, path: Path) -> tuple[Any, Any, dict[str, np.ndarray]]:
    """Return the network and the file as functions of the same inputs, and inputs: noise."""
    import onnxruntime

    from alphamat_deep.export.ports import function_of
    from alphamat_deep.export.proving import network_run

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = CORES
    session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    rng = np.random.default_rng(3)
    inputs = {each.name: rng.random(each.shape, np.float32) for each in session.get_inputs()}
    laid = [np.moveaxis(x, 1, -1) for x in inputs.values()]
    run = network_run(*function_of(matting, raw=False), "highest")

    def ours():
        return run(*laid)[0]

    def theirs():
        return session.run(["alpha"], inputs)[0]

    return ours, theirs, inputs


def count_nodes(path: Path) -> int:
    import onnx

    return len(onnx.load(path).graph.node)


def opencv_alpha(path: Path, inputs: dict[str, np.ndarray]) -> np.ndarray | None:
    """Return what OpenCV computes; None where it refuses the file."""
    import cv2

    try:
        net = cv2.dnn.readNetFromONNX(str(path))
        for name, x in inputs.items():
            net.setInput(x, name)
        return net.forward("alpha")
    except cv2.error:
        return None


if __name__ == "__main__":
    main()
