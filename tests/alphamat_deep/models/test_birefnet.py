"""What BiRefNet does beside what every network must."""

from functools import partial

import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

import alphamat_deep
from alphamat_deep.catalogue.birefnet import doubt
from alphamat_deep.fill import our_name
from alphamat_deep.models.birefnet import into_channels
from tests.alphamat_deep import reference_networks as reference
from tests.alphamat_deep.networks import jit, network, pictures, theirs
from tests.alphamat_deep.oracles import by_preset

lite = by_preset("birefnet-lite")


@pytest.mark.slow
def test_channels_of_patches_had_another_order_before():
    stored, key = lite.stored[0], "main/mid/alpha_old_patch_order"
    model = network(lite, stored, colours_first=False)
    image = pictures(stored, "main")[0][:1]
    alpha = theirs(jit(lambda model, image: model(image).alpha)(model, image))
    bounds = reference.manifest(stored.name)["info"][key]["slice"]
    part = alpha[tuple(slice(*bound) for bound in bounds)]
    np.testing.assert_allclose(part, reference.outputs(stored.name)[key], rtol=0, atol=3e-4)


@pytest.mark.parametrize("colours_first", [True, False])
def test_the_pixels_of_a_place_are_put_together(colours_first):
    image = np.random.default_rng(3).random((2, 6, 9, 3))
    found = np.asarray(into_channels(jnp.asarray(image), 3, colours_first))
    assert found.shape == (2, 2, 3, 27)
    for y, x, row, column, colour in np.ndindex(2, 3, 3, 3, 3):
        new, old = (colour * 3 + row) * 3 + column, (column * 3 + row) * 3 + colour
        expected = image[:, 2 * row + y, 3 * column + x, colour]
        at = new if colours_first else old
        np.testing.assert_allclose(found[:, y, x, at], expected, rtol=1e-6)


def decoder(colours_first, kernel):
    """Return what `doubt` reads of a network whose patches have weights (side, side, 3)."""
    blocks = {}
    for at, side in ((5, 32), (4, 16)):
        weights = np.stack([kernel(side) for _ in range(64)], -1)
        axes = (2, 0, 1, 3) if colours_first else (1, 0, 2, 3)  # as the file has them
        flat = weights.transpose(axes).reshape(1, 1, -1, 64)
        blocks[f"ipt_blk{at}"] = nnx.Dict(conv1=nnx.Dict(kernel=nnx.Param(jnp.asarray(flat))))
    return nnx.Dict(decoder=nnx.Dict(**blocks, colours_first=True))


def smooth(rng, side):
    """Return noise whose neighbours are a little alike, as are its colours."""
    noise = rng.normal(size=(side + 1, side + 1, 1))
    mean = noise[1:, 1:] + noise[:-1, 1:] + noise[1:, :-1] + noise[:-1, :-1]
    return 0.2 * mean + rng.normal(size=(side, side, 3))


def test_weights_that_look_made_for_the_other_order_are_told():
    made = partial(smooth, np.random.default_rng(5))
    assert "colours_first=False" in doubt(decoder(False, made))
    assert not doubt(decoder(True, made))
    rng = np.random.default_rng(6)
    assert not doubt(decoder(False, lambda side: rng.normal(size=(side, side, 3))))


@pytest.mark.parametrize(
    "prefix", ["module.", "_orig_mod.", "module._orig_mod.", "_orig_mod.module."]
)
def test_files_may_have_prefixes(prefix):
    names = alphamat_deep.PRESETS["birefnet"].names
    assert our_name(f"{prefix}bb.norm0.weight", names) == "bb.norm0.weight"
    assert our_name(f"{prefix}bb.layers.0.blocks.0.attn.relative_position_index", names) is None
