"""Networks on a CPU, beside the same in PyTorch with the same weights.

`python -m benchmarks.networks [--preset NAME …] [--size N]`. float32, one picture of N × N (the
network's usual size, mostly 512), or a frame of 1920 × 1080 where it is for video; two threads.
Each runs in a process of its own, bound to the same two cores, and they take turns; times are
medians of calls of the compiled network alone, without preprocessing, after as many that are not
counted, in which memory is laid out. A network with a memory goes on from the call before. GMAC are
10⁹ multiply-adds of convolutions and matrix products, zeros that fill up channels among them (at
most one in a hundred); GMAC/s are ours. Memory is what the process adds at its peak over the
weights (Linux: VmHWM, reset before the calls, against VmRSS). Compiling is the first call's time
less the second's. Where PyTorch has the network, weights are its random ones, and `differ` is the
largest difference of alphas.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import tempfile
from dataclasses import replace
from math import prod
from pathlib import Path
from statistics import median
from time import perf_counter

import numpy as np

import alphamat_deep
from alphamat import memory
from benchmarks.report import Table, machine

EARLY, ROUNDS = 7, 7
CORES = 2
HD = 1080, 1920
USUAL = {"bgmv2": HD, "rvm": HD}  # where it is not 512 × 512
USUAL |= dict.fromkeys(("indexnet", "u2net", "u2netp"), (320, 320))
USUAL |= dict.fromkeys(("isnet", "birefnet", "ben2"), (1024, 1024))
SETTINGS = {"rvm": {"downsample_ratio": 0.25}}  # what its authors recommend for HD


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--preset", action="append")
    parser.add_argument("--size", type=int)
    options = parser.parse_args()
    print(f"{__doc__.strip()}\n\n{machine()}\n")
    table = Table(
        "network                    ", "   GMAC", "ours, ms", "GMAC/s", "PyTorch, ms", "share",
        "ours, MB", "PyTorch, MB", "compile, s", "differ",
    )  # fmt: skip
    for preset in options.preset or alphamat_deep.PRESETS:
        size = (options.size, options.size) if options.size else usual_size(preset)
        compare(preset, size, table)


def usual_size(preset: str) -> tuple[int, int]:
    return USUAL.get(family(preset), (512, 512))


def family(preset: str) -> str:
    return preset.split("-")[0]


def peers() -> dict:
    try:
        from benchmarks.torch_peers import PEERS
    except ImportError:
        return {}
    return PEERS


def compare(preset: str, size: tuple[int, int], table: Table) -> None:
    with tempfile.TemporaryDirectory() as folder:
        weights = Path(folder) / "weights.npz"
        peer = Runner(run_torch, preset, size, weights) if preset in peers() else None
        first_of_peer = peer and peer.call()
        ours = Runner(run_ours, preset, size, weights if peer else None)
        first = ours.call()
        seconds = {runner: [] for runner in (ours, peer) if runner}
        for _ in range(EARLY + ROUNDS):
            for runner, spent in seconds.items():
                spent.append(runner.call()[0])
        seconds = {runner: spent[EARLY:] for runner, spent in seconds.items()}
        time, work = median(seconds[ours]), multiply_adds(preset, size) / 1e9
        memory, beside = ours.stop(), ["–"] * 4
        if peer:
            peers_time, differ = median(seconds[peer]), np.abs(first[1] - first_of_peer[1]).max()
            beside = [f"{1000 * peers_time:.0f}", f"{time / peers_time:.2f}", f"{peer.stop():.0f}"]
            beside.append(f"{differ:.0e}")
    table.add(
        preset,
        f"{work:.1f}",
        f"{1000 * time:.0f}",
        f"{work / time:.0f}",
        *beside[:2],
        f"{memory:.0f}",
        beside[2],
        f"{first[0] - time:.1f}",
        beside[3],
    )


def multiply_adds(preset: str, size: tuple[int, int]) -> int:
    """Count what a network multiplies and adds for what it returns."""
    import jax

    network, *inputs = compiled(preset, size, None)
    return count(jax.make_jaxpr(network)(*inputs).jaxpr)


def count(jaxpr) -> int:
    total, read = 0, {id(x) for x in jaxpr.outvars}
    for equation in reversed(jaxpr.eqns):
        if read.isdisjoint(map(id, equation.outvars)):
            continue  # for an output that nobody reads
        read.update(map(id, equation.invars))
        made, parameters = prod(equation.outvars[0].aval.shape), equation.params
        if equation.primitive.name == "conv_general_dilated":
            total += made * prod(equation.invars[1].aval.shape[:3])
        elif equation.primitive.name == "dot_general":
            (summed, _), _ = parameters["dimension_numbers"]
            total += made * prod(equation.invars[0].aval.shape[axis] for axis in summed)
        elif equation.primitive.name == "scan":
            total += parameters["length"] * count(parameters["jaxpr"].jaxpr)
        elif equation.primitive.name == "cond":  # of platforms: one of them convolves
            total += max(count(branch.jaxpr) for branch in parameters["branches"])
        else:
            inner = [getattr(value, "jaxpr", value) for value in parameters.values()]
            total += sum(count(x) for x in inner if hasattr(x, "eqns"))
    return total


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
        if before is None:
            before = memory.forget_peak()
    pipe.send(np.nan if before is None else (memory.peak() - before) / 1e6)


def run_torch(preset: str, size: tuple[int, int], weights: Path):
    """Write a network's weights, and return what runs it."""
    import torch

    from benchmarks.torch_peers import PEERS

    torch.set_num_threads(CORES)
    torch.manual_seed(7)
    model = PEERS[preset]().eval()
    np.savez(weights, **{name: tensor.numpy() for name, tensor in model.state_dict().items()})
    model.to(memory_format=torch.channels_last)  # on a CPU faster, by up to a quarter
    inputs = [torch.from_numpy(x).permute(0, 3, 1, 2) for x in arrays(preset, size)]
    seen = []

    def call():
        with torch.inference_mode():
            output = model(*inputs, *seen)
        alpha, _, *seen[:] = output if isinstance(output, tuple) else (output, None)
        return alpha[0, 0].numpy()

    return call


def run_ours(preset: str, size: tuple[int, int], weights: Path | None):
    network, *inputs = compiled(preset, size, weights)

    def call():
        alpha, _, after = network(*inputs)
        if after is not None:
            inputs[-1] = after
        return np.asarray(alpha)

    return call


def compiled(preset: str, size: tuple[int, int], weights: Path | None) -> list:
    """Return a network and what it takes; its weights are random where none are given."""
    import jax
    from flax import nnx

    settings = SETTINGS.get(family(preset), {})
    if weights is None:
        model = alphamat_deep.build(preset, rngs=nnx.Rngs(7), **settings)
        model.eval()
    else:
        model = alphamat_deep.from_state_dict(preset, np.load(weights), **settings)
    f, state = alphamat_deep.pure(model)
    inputs = list(map(jax.numpy.asarray, arrays(preset, size)))
    if hasattr(model, "initial_state"):
        inputs.append(model.initial_state(inputs[0]))

    @jax.jit
    def network(state, *inputs):
        output = f(state, *inputs)
        foreground, after = (getattr(output, name, None) for name in ("foreground", "state"))
        return output.alpha[0, ..., 0], foreground, after

    return [network, state, *inputs]


def arrays(preset: str, size: tuple[int, int]) -> list[np.ndarray]:
    """Return pictures of noise and a trimap of thirds, as the network takes them."""
    height, width = size
    pictures = np.random.default_rng(3).integers(0, 256, (2, height, width, 3), np.uint8)
    trimap = np.repeat(np.array([0, 128, 255], np.uint8), -(-width // 3))[:width]
    rules = replace(alphamat_deep.PRESETS[preset].preprocess, chain=())  # no resizing
    image, background = pictures
    return list(rules.apply(image, np.tile(trimap, (height, 1)), background).inputs)


if __name__ == "__main__":
    main()
