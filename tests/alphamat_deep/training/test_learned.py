"""The library's own network: optimiser and loss against plain NumPy, and a run that goes on."""

from dataclasses import replace
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from alphamat_deep import checkpoints
from alphamat_deep.models.learned import LearnedOutput
from alphamat_deep.training import command, losses
from alphamat_deep.training.optimisers import muon, warm_up_and_cosine_to_a_hundredth
from alphamat_deep.training.recipes import learned
from tests.alphamat_deep.networks import jit
from tests.alphamat_deep.training import small

SHAPES = {"wide": (1, 1, 5, 8), "tall": (3, 3, 4, 6), "other": (3, 3, 4, 6)}


def kernels(seed):
    rng = np.random.default_rng(seed)
    return {name: rng.normal(size=shape) for name, shape in SHAPES.items()}


def plain_muon(kernel, gradients, rates, momentum=0.95, decay=0.01):
    """Return a kernel after some steps, by the definition."""
    moment = np.zeros_like(kernel)
    for gradient, rate in zip(gradients, rates, strict=True):
        moment = momentum * moment + gradient
        x = (gradient + momentum * moment).reshape(-1, kernel.shape[-1])
        x /= np.linalg.norm(x)
        for _ in range(5):
            x = 3.4445 * x - 4.7750 * (x @ x.T @ x) + 2.0315 * (x @ x.T @ x @ x.T @ x)
        step = 0.2 * np.sqrt(max(x.shape)) * x.reshape(kernel.shape)
        kernel = kernel - rate * (step + decay * kernel)
    return kernel


def test_muon_is_its_definition():
    rates, begun, gradients = [0.02, 0.3, 0.1], kernels(1), [kernels(at) for at in (2, 3, 4)]
    optimiser = muon(lambda step: jnp.asarray(rates)[step])
    with jax.enable_x64(True):
        found = jax.tree.map(jnp.asarray, begun)
        state, update = optimiser.init(found), jit(optimiser.update)
        for gradient in gradients:
            updates, state = update(jax.tree.map(jnp.asarray, gradient), state, found)
            found = optax.apply_updates(found, updates)
    for name, kernel in begun.items():
        expected = plain_muon(kernel, [x[name] for x in gradients], rates)
        np.testing.assert_allclose(found[name], expected, rtol=1e-5)


def test_rates_rise_and_fall_to_a_hundredth_whether_or_not_the_steps_are_known_before():
    for steps in (4000, jnp.int32(4000)):
        rate = warm_up_and_cosine_to_a_hundredth(2.0, 150, steps)
        found = [float(rate(step)) for step in (0, 149, 2000, 3999)]
        np.testing.assert_allclose(found, [2 / 150, 1.9932, 1.01, 0.02], rtol=1e-4)
    assert float(warm_up_and_cosine_to_a_hundredth(2.0, 150, 80)(9)) > 1.9  # an eighth


def test_kernels_but_the_first_and_last_go_by_muon_and_the_rest_by_adam():
    names = "stem.kernel", "up.0.kernel", "up.0.bias", "head.kernel"
    parameters = {name: jnp.full((3, 3, 2, 2) if "k" in name[-6:] else (2,), 0.5) for name in names}
    tree = {}
    for name, x in parameters.items():
        *path, last = name.split(".")
        place = tree
        for part in path:
            place = place.setdefault(part, {})
        place[last] = x
    optimiser = learned.optimiser(100)
    tiny = jax.tree.map(lambda x: jnp.arange(x.size, dtype=float).reshape(x.shape) - 1.5, tree)
    updates, _ = jit(optimiser.update)(tiny, optimiser.init(tree), tree)
    rate = 2.5e-3 / 12.5  # of the first step of 100
    adam = -rate * (np.sign(tiny["stem"]["kernel"]) + 0.01 * 0.5)
    for name in "stem", "head":
        np.testing.assert_allclose(updates[name]["kernel"], adam, rtol=1e-3)
    bias = -rate * np.sign(tiny["up"]["0"]["bias"])
    np.testing.assert_allclose(updates["up"]["0"]["bias"], bias, rtol=1e-3)
    sizes = abs(updates["up"]["0"]["kernel"]) / rate
    assert sizes.max() / sizes.min() > 1.5  # Adam's first step moves all alike


def plain_loss(raw, alpha, trimap, foreground, background):
    """Return the terms by their definition, one crop after the other."""

    def blurred(x):
        for axis in (0, 1):
            padded = np.pad(x, [(1, 1) if a == axis else (0, 0) for a in (0, 1)], mode="edge")
            shifted = [np.take(padded, np.arange(n, n + x.shape[axis]), axis) for n in range(3)]
            x = 0.25 * shifted[0] + 0.5 * shifted[1] + 0.25 * shifted[2]
        return x

    terms, weights = [], []
    for at in range(len(raw)):
        unknown = trimap[at, ..., 0] == 0.5
        inside = np.clip(raw[at, ..., 0], 0, 1)
        d = (0.9 * inside + 0.1 * raw[at, ..., 0] - alpha[at, ..., 0]) * unknown
        n, x, pyramid = unknown.sum(), d, 0
        for level in range(4):
            low = blurred(x)
            pyramid += 2**level * abs(x - low).sum()
            x = low[: len(low) // 2 * 2, : low.shape[1] // 2 * 2]
            x = x.reshape(len(x) // 2, 2, -1, 2).mean((1, 3))
        apart = np.sqrt(((foreground - background)[at] ** 2).sum(-1) + 1e-6)
        parts = abs(d).sum(), (d**2).sum(), pyramid, (abs(d) * apart).sum()
        terms.append(np.array(parts) / max(n, 100))
        weights.append(n**-0.5 if n > 100 else 0)
    found = np.average(terms, axis=0, weights=weights)
    return [*found, found @ [1, 1, 0.5, 0.3]]


def test_the_loss_is_its_formula():
    rng = np.random.default_rng(12)
    trimap = rng.choice([0, 0.5, 1], (3, 16, 24, 1))
    trimap[1] = np.where(np.arange(24)[:, None] < 7, 0.5, 1)  # 112 unknown pixels
    trimap[2] = np.where(np.arange(24)[:, None] < 6, 0.5, 1)  # 96: it does not count
    raw, alpha = rng.normal(0.5, 0.6, trimap.shape), rng.random(trimap.shape)
    colours = rng.random((2, 3, 16, 24, 3))
    expected = plain_loss(raw, alpha, trimap, *colours)
    with jax.enable_x64(True):
        raw, alpha, trimap, front, behind = map(jnp.asarray, (raw, alpha, trimap, *colours))
        outputs = LearnedOutput(jnp.clip(raw, 0, 1), raw)
        ours = jit(partial(losses.learned.supervised, foreground=front, background=behind))
        found = ours(outputs, alpha, trimap=trimap)
        assert not any(ours(outputs, alpha, trimap=jnp.ones_like(alpha)).values())
    names = "l1", "l2", "laplacian", "composition", "total"
    np.testing.assert_allclose([found[name] for name in names], expected, rtol=1e-5)


def test_the_average_is_quick_at_first():
    decays = [float(learned.average(jnp.int32(step))) for step in (1, 10, 10_000)]
    np.testing.assert_allclose(decays, [2 / 11, 11 / 20, 0.998], rtol=1e-6)


def test_the_command_paints_and_takes_no_files():
    run = command.run_of("learned", foregrounds=None, size=32, batch=8, bank=32, workers=0)
    bank = run.recipe.bank
    assert (bank.side, bank.layers, bank.first, bank.every) == (32, 32, 8, 8)
    assert len(run.validation) == command.HELD_OUT
    (layers,) = {x.shape for x in (run.validation[0]["image"], run.validation[1]["foreground"])}
    assert layers == (64, 64, 3)
    assert run.validation[0] is run.validation[0]
    with pytest.raises(ValueError, match="`bank` is 20; expected a multiple of 16"):
        command.run_of("learned", bank=20)


@pytest.fixture
def painted():
    """Return a run on real crops of a network that compiles sooner."""
    run = command.run_of("learned", batch=2, size=32, bank=16, steps=5, workers=1)
    bank = replace(run.recipe.bank, every=1)
    feed = partial(run.feed.func, run.feed.args[0], bank, **run.feed.keywords)
    other = {"preset": "small", "losses": (small.loss,), "optimiser": small.adam}
    return run._replace(recipe=replace(run.recipe, bank=bank, **other), feed=feed, validation=())


@pytest.mark.slow
def test_a_run_that_was_stopped_goes_on_bit_for_bit(tmp_path, painted):
    def stop(line):
        if line["step"] == 3:
            raise KeyboardInterrupt

    command.start(painted, tmp_path / "whole", save_every=2)
    with pytest.raises(KeyboardInterrupt):
        command.start(painted, tmp_path / "run", callback=stop, save_every=2)
    assert [x.stem for x in (tmp_path / "run" / "checkpoints").iterdir()] == ["000002"]
    command.start(painted, tmp_path / "run", resume=True, save_every=2)
    last = "checkpoints/000005.safetensors"
    a, b = (checkpoints.read(tmp_path / run / last) for run in ("whole", "run"))
    assert a.keys() == b.keys()
    for name, array in a.items():
        np.testing.assert_array_equal(array, b[name], name)
