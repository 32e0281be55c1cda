"""Networks as ONNX files, run by onnxruntime on a CPU, beside the same in JAX and in PyTorch.

`python -m benchmarks.export [--preset NAME …] [--size N] [--folder FOLDER]`. Random weights,
float32, one picture of the size that `benchmarks.networks` has for the network; two threads.
Networks that differ in their weights alone are there once. Each is written by `export_onnx`:
`differ` is the largest difference of alphas on the three pictures of its proof, and `rounding` is
how far the network's own alpha moves when colours change in their last bits. Then onnxruntime, JAX
and, where it has the network, PyTorch take turns in processes of their own; times are medians,
`share` is onnxruntime's of ours. `OpenCV` is the largest difference of alphas where `cv2.dnn` runs
the file.

With `--folder`, files and rows are kept there, and the next run goes on. `--write` only writes
files, and fills JAX's cache of compiled programs if $JAX_COMPILATION_CACHE_DIR names one; with
`--seconds`, no row is begun after so many. So a quiet machine is needed for minutes at a time.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import tempfile
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from math import inf
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any

import numpy as np

import alphamat_deep
from benchmarks.networks import (
    CORES,
    SETTINGS,
    Runner,
    family,
    peers,
    run_ours,
    run_torch,
    usual_size,
)
from benchmarks.report import Table, machine

ROUNDS = 5


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--preset", action="append")
    parser.add_argument("--size", type=int)
    parser.add_argument("--folder", type=Path)
    parser.add_argument("--write", action="store_true")
    parser.add_argument("--seconds", type=float, default=inf)
    options = parser.parse_args()
    print(f"{__doc__.strip()}\n\n{machine()}\n")
    table = Table(
        "network                 ", "     size", "    MB", "nodes", "differ", "rounding",
        "onnxruntime, ms", "ours, ms", "share", "PyTorch, ms", "OpenCV",
    )  # fmt: skip
    start = perf_counter()
    for preset in options.preset or different():
        size = (options.size, options.size) if options.size else usual_size(preset)
        with tempfile.TemporaryDirectory() as passing:
            folder = options.folder or Path(passing)
            folder.mkdir(parents=True, exist_ok=True)
            path = folder / f"{preset}-{size[0]}x{size[1]}.onnx"
            kept = path.with_suffix(".times.json")
            if not kept.exists() and perf_counter() - start > options.seconds:
                break
            cells = written(preset, size, path, warm=options.write)
            if not cells[0].startswith("refused"):
                if not kept.exists() and not options.write:
                    kept.write_text(json.dumps(times(preset, size, path)))
                cells += json.loads(kept.read_text()) if kept.exists() else ["–"] * 5
            table.add(preset, "×".join(map(str, size)), *cells)


def different() -> list[str]:
    """Return one preset of each network: others have other weights or rules."""
    first: dict[Any, str] = {}
    for name, preset in alphamat_deep.PRESETS.items():
        key = preset.model, preset.config, bool(preset.preprocess.coarse)
        first.setdefault(key, name)
    return list(first.values())


def written(preset: str, size: tuple[int, int], path: Path, *, warm: bool) -> list[str]:
    """Write a network if there is no file of it, and return what there is to tell of the file."""
    beside = path.with_name(f"{path.name}.json")
    if not beside.exists():
        try:
            in_own_process(write, preset, size, path, warm)
        except ValueError as fault:
            return [f"refused: {fault}", *["–"] * 8]
    told = json.loads(beside.read_text())
    found = told["difference"]
    return [
        f"{path.stat().st_size / 1e6:.1f}",
        f"{in_own_process(count_nodes, path)}",
        f"{found['maximum']:.0e}",
        f"{found['own']:.0e}",
    ]


def write(preset: str, size: tuple[int, int], path: Path, warm: bool) -> None:
    alphamat_deep.export_onnx(random_matting(preset), path, size=size)
    if warm:
        run_ours(preset, size, None)()


def count_nodes(path: Path) -> int:
    import onnx

    return len(onnx.load(path).graph.node)


def times(preset: str, size: tuple[int, int], path: Path) -> list[str]:
    with tempfile.TemporaryDirectory() as folder:
        runners = {
            "onnxruntime": Runner(run_file, path),
            "ours": Runner(run_ours, preset, size, None),
        }
        if preset in peers():
            runners["PyTorch"] = Runner(run_torch, preset, size, Path(folder) / "weights.npz")
        expected = runners["onnxruntime"].call()[1]
        seconds: dict[str, list[float]] = {name: [] for name in runners}
        for _ in range(1 + ROUNDS):
            for name, runner in runners.items():
                seconds[name].append(runner.call()[0])
        for runner in runners.values():
            runner.stop()
    found = {name: 1000 * median(spent[1:]) for name, spent in seconds.items()}
    return [
        f"{found['onnxruntime']:.0f}",
        f"{found['ours']:.0f}",
        f"{found['onnxruntime'] / found['ours']:.2f}",
        f"{found['PyTorch']:.0f}" if "PyTorch" in found else "–",
        beside_opencv(path, expected),
    ]


def in_own_process(work, *arguments) -> Any:
    """Return a function's result; all its memory is given back."""
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:
        return pool.submit(work, *arguments).result()


def random_matting(preset: str) -> Any:
    """Return a network with random weights, those of `build`."""
    from flax import nnx

    model = alphamat_deep.build(preset, rngs=nnx.Rngs(7), **SETTINGS.get(family(preset), {}))
    model.eval()
    row = alphamat_deep.PRESETS[preset]
    return alphamat_deep.Matting(preset, row, model, np.dtype("float32"), "random")


def run_file(path: Path):
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = CORES
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    inputs = noise({each.name: each.shape for each in session.get_inputs()})

    def call():
        return session.run(["alpha"], inputs)[0]

    return call


def noise(shapes: dict[str, list[int]]) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(3)
    return {name: rng.random(shape, np.float32) for name, shape in shapes.items()}


def beside_opencv(path: Path, expected: np.ndarray) -> str:
    try:
        found = in_own_process(opencv_alpha, path)
    except BrokenProcessPool:
        return "crashes"
    return "refuses" if found is None else f"{np.abs(found - expected).max():.0e}"


def opencv_alpha(path: Path) -> np.ndarray | None:
    """Return what OpenCV computes; None where it refuses the file."""
    import cv2

    from alphamat.onnx.session import Session

    inputs = noise({name: list(plug.shape) for name, plug in Session(path, 1).inputs.items()})
    try:
        net = cv2.dnn.readNetFromONNX(str(path))
        for name, x in inputs.items():
            net.setInput(x, name)
        return net.forward("alpha")
    except cv2.error:
        return None


if __name__ == "__main__":
    main()
