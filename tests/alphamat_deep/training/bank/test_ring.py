"""The bank holds the newest layers; which, and what is cut, is a matter of the step's number."""

import itertools
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from alphamat_deep.training.bank import Bank, Crops, ring
from alphamat_deep.training.compositions import batches, pack_layers, painted

BANK = Bank(layers=6, first=4, shelf=2, every=2, side=32)


def shelves(start, closed=()):
    """Yield shelves whose layers are full of their own number."""
    try:
        for at in itertools.count(start):
            numbers = 2 * at + np.arange(2, dtype=np.uint8)[:, None, None, None]
            planes = np.broadcast_to(numbers, (2, BANK.extent, BANK.extent, 4)).copy()
            points = np.full((2, 16, 2), at, np.float32)
            yield {"foreground": planes, "points": points, "background": planes + 100}
    finally:
        closed += (start,)


def numbers_held(layers, held, key, numbers, *, side):
    """Return the numbers of the layers that there are, in place of crops of them."""
    ahead = jnp.broadcast_to(numbers[:, None], (len(numbers), len(layers.points)))
    fronts = jnp.broadcast_to(layers.foregrounds[:, 0, 0] & 255, ahead.shape)
    backs = jnp.broadcast_to(layers.backgrounds[:, -1, -1] >> 24, ahead.shape)
    points = jnp.broadcast_to(layers.points[:, 3, 1], ahead.shape)
    shown = {"crop": ahead, "front": fronts, "back": backs, "point": points}
    return {key: x[:, : int(held)] if key != "crop" else x[:, 0] for key, x in shown.items()}


@pytest.fixture
def without_crops(monkeypatch):
    monkeypatch.setattr(ring, "crops", numbers_held)


def first(count, **options):
    options = {"batch": 4, "seed": 3} | options
    with Crops(shelves, BANK, **options) as made:
        return [jax.tree.map(np.asarray, next(made)) for _ in range(count)]


def test_the_bank_holds_the_newest_layers_and_the_oldest_go(without_crops):
    for step, batch in enumerate(first(9)):
        come = 4 + 2 * (step // 2)
        newest = range(max(0, come - 6), come)
        assert set(batch["front"][0]) == set(newest)
        np.testing.assert_array_equal(batch["back"], batch["front"] + 100)
        np.testing.assert_array_equal(batch["point"], batch["front"] // 2)
        assert batch["crop"].tolist() == [*range(4 * step, 4 * step + 4)]


@pytest.mark.parametrize("start", [1, 3, 8])
def test_a_run_that_goes_on_has_the_bank_that_it_had(without_crops, start):
    whole, later = first(10), first(10 - start, start=start)
    for a, b in zip(whole[start:], later, strict=True):
        assert a.keys() == b.keys()
        for name, array in a.items():
            np.testing.assert_array_equal(array, b[name])


def test_shards_make_the_parts_of_a_batch(without_crops):
    whole = first(2)
    parts = [first(2, shard=(index, 2)) for index in range(2)]
    for step, batch in enumerate(whole):
        np.testing.assert_array_equal(
            batch["crop"], np.concatenate([part[step]["crop"] for part in parts])
        )


def test_what_goes_wrong_with_a_painter_is_told(without_crops):
    def broken(start):
        yield from itertools.islice(shelves(start), 2)
        raise RuntimeError("no paint")

    with Crops(broken, BANK, batch=4) as made:
        next(made)
        next(made)
        with pytest.raises(RuntimeError, match="no paint"):
            next(made)


def test_layers_of_crops_are_a_little_larger_than_most_crops_need():
    assert [Bank(side=side).extent for side in (288, 128, 64)] == [512, 256, 128]


def real(workers=0, **options):
    bank = Bank(layers=8, first=4, shelf=2, side=32)
    source = painted(bank.extent, bank.extent)
    made = partial(batches, source, None, pack_layers, batch=2, workers=workers)
    return Crops(made, bank, batch=3, seed=5, **options)


@pytest.mark.slow
def test_crops_of_painted_layers_are_samples_and_the_same_wherever_a_run_begins():
    with real(workers=1) as made:
        like = made.like
        whole = [jax.tree.map(np.asarray, next(made)) for _ in range(4)]
    with real(start=3) as made:
        last = jax.tree.map(np.asarray, next(made))
    for name, array in whole[3].items():
        np.testing.assert_array_equal(array, last[name])
        assert (like[name].shape, like[name].dtype) == (array.shape, array.dtype)
    channels = {name: x.shape[1:] for name, x in last.items()}
    assert channels == {
        name: (32, 32, 3 if name in ("image", "foreground", "background") else 1)
        for name in ("image", "alpha", "trimap", "foreground", "background")
    }
    for x in whole:
        mixed = x["alpha"] * x["foreground"] + (1 - x["alpha"]) * x["background"]
        assert abs(mixed - x["image"]).mean() < 0.15
        np.testing.assert_allclose(255 * x["image"], np.rint(255 * x["image"]), atol=1e-4)
        assert set(np.unique(x["trimap"])) <= {0, 0.5, 1}


@pytest.mark.slow
def test_a_crop_depends_on_its_number_alone():
    with real() as made:
        layers = jax.tree.map(jnp.array, next(made) and made.layers)
        cut = partial(ring.crops, layers, 4, made.key, side=32)
        three, one = cut(np.arange(7, 10)), cut(np.arange(8, 11))
    for name in three:
        np.testing.assert_array_equal(three[name][1], one[name][0])
