"""Networks on a CPU, beside the same in PyTorch with the same weights.

`python -m benchmarks.networks [--preset NAME …] [--size N]`. float32, one picture of N × N (512),
two threads. Each runs in a process of its own, bound to the same two cores, and they take turns;
times are medians of calls of the compiled network alone, without preprocessing. Memory is what the
process adds at its peak over the weights (Linux: VmHWM, reset before the calls, against VmRSS).
Compiling is the first call's time less the second's. The weights are PyTorch's own random ones, and
`differ` is the largest difference of alphas.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import tempfile
from pathlib import Path
from statistics import median
from time import perf_counter

import numpy as np

from benchmarks.report import Table, machine

ROUNDS = 7
CORES = 2


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--preset", action="append")
    parser.add_argument("--size", type=int, default=512)
    options = parser.parse_args()
    try:
        from benchmarks.torch_peers import PEERS
    except ImportError:
        parser.exit(1, "PyTorch is not here: pip install torch\n")
    print(f"{__doc__.strip()}\n\n{machine()}\n")
    table = Table(
        "network     ", "ours, ms", "PyTorch, ms", "share", "ours, MB", "PyTorch, MB", "compile, s",
        "  differ",
    )  # fmt: skip
    for preset in options.preset or PEERS:
        compare(preset, options.size, table)


def compare(preset: str, size: int, table: Table) -> None:
    with tempfile.TemporaryDirectory() as folder:
        weights = Path(folder) / "weights.npz"
        peer = Runner(run_torch, preset, size, weights)
        first_of_peer = peer.call()
        ours = Runner(run_ours, preset, size, weights)
        first = ours.call()
        seconds = {ours: [], peer: []}
        for _ in range(ROUNDS):
            for runner, spent in seconds.items():
                spent.append(runner.call()[0])
        time, peers_time = median(seconds[ours]), median(seconds[peer])
        memory, peers_memory = ours.stop(), peer.stop()
    table.add(
        preset,
        f"{1000 * time:.0f}",
        f"{1000 * peers_time:.0f}",
        f"{time / peers_time:.2f}",
        f"{memory:.0f}",
        f"{peers_memory:.0f}",
        f"{first[0] - time:.1f}",
        f"{np.abs(first[1] - first_of_peer[1]).max():.0e}",
    )


class Runner:
    """A process that runs a network whenever it is asked to."""

    def __init__(self, work, *arguments):
        spawn = multiprocessing.get_context("spawn")
        self.pipe, far = spawn.Pipe()
        self.process = spawn.Process(target=serve, args=(far, work, *arguments), daemon=True)
        self.process.start()

    def call(self) -> tuple[float, np.ndarray]:
        """Return the seconds of one call, and its alpha (H, W)."""
        self.pipe.send("call")
        return self.pipe.recv()

    def stop(self) -> float:
        """Return the MB added at the peak of all calls but the first, and end."""
        self.pipe.send("stop")
        memory = self.pipe.recv()
        self.process.join()
        return memory


def serve(pipe, work, *arguments) -> None:
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:CORES])
    call = work(*arguments)
    before = None
    while pipe.recv() == "call":
        start = perf_counter()
        alpha = call()
        pipe.send((perf_counter() - start, alpha))
        if before is None and Path("/proc/self/clear_refs").exists():
            Path("/proc/self/clear_refs").write_text("5")
            before = status("VmRSS")
    pipe.send(np.nan if before is None else (status("VmHWM") - before) * 1024 / 1e6)


def status(key: str) -> int:
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(key + ":"))


def run_torch(preset: str, size: int, weights: Path):
    """Write a network's weights, and return what runs it."""
    import torch

    from benchmarks.torch_peers import PEERS

    torch.set_num_threads(CORES)
    torch.manual_seed(7)
    model = PEERS[preset]().eval()
    np.savez(weights, **{name: tensor.numpy() for name, tensor in model.state_dict().items()})
    inputs = [torch.from_numpy(np.moveaxis(x, -1, 1).copy()) for x in arrays(preset, size)]

    def call():
        with torch.inference_mode():
            return model(*inputs)[0, 0].numpy()

    return call


def run_ours(preset: str, size: int, weights: Path):
    import jax
    from flax import nnx

    import alphamat_deep

    model = alphamat_deep.from_state_dict(preset, np.load(weights))
    graph, state = nnx.split(model)
    network = jax.jit(lambda state, *inputs: nnx.merge(graph, state)(*inputs).alpha[0, ..., 0])
    inputs = [jax.numpy.asarray(x) for x in arrays(preset, size)]
    return lambda: np.asarray(network(state, *inputs))


def arrays(preset: str, size: int) -> list[np.ndarray]:
    """Return a picture of noise and a trimap of thirds, as the network takes them."""
    import alphamat_deep

    image = np.random.default_rng(3).integers(0, 256, (size, size, 3), np.uint8)
    trimap = np.repeat(np.array([0, 128, 255], np.uint8), -(-size // 3))[:size]
    rules = alphamat_deep.PRESETS[preset].preprocess
    rules = rules.__class__(rules.mean, rules.std, rules.encode)  # no resizing
    return list(rules.apply(image, np.tile(trimap, (size, 1))).inputs)


if __name__ == "__main__":
    main()
