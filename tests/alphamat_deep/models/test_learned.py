"""The library's own network, against the prototype that its first weights come from."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

import alphamat
import alphamat_deep

CASES = [
    pytest.param("gt04_crop", marks=pytest.mark.slow),
    pytest.param("lemur_crop", marks=pytest.mark.slow),
    "noise",
    "noise_without_foreground",
]
H, W = 96, 128  # of the smaller cases, for which the network is compiled


@pytest.fixture(scope="module")
def method():
    return alphamat_deep.load("learned")


@pytest.fixture(scope="module")
def reference(shared):
    return np.load(shared.parent / "prototype_net" / "reference.npz")


@pytest.fixture
def picture():
    rng = np.random.default_rng(5)
    trimap = np.full((H, W), 0.5)
    trimap[:, :30], trimap[:, -40:] = 0, 1
    return rng.random((H, W, 3)), trimap


@pytest.mark.parametrize("case", CASES)
def test_alpha_is_that_of_the_prototype(method, reference, case):
    stored = {key.split("/")[1]: reference[key] for key in reference if key.startswith(f"{case}/")}
    levels = stored["trimap"]
    trimap = np.select([levels == 0, levels == 255], [0, 1], 0.5)
    assert np.abs(method(stored["image"], trimap) - stored["alpha"]).max() < 1e-4


def test_it_is_the_network_of_the_core(method, picture):
    image, trimap = (x[:-4, 3:] for x in picture)
    alone = alphamat.learned(image, trimap, looks=1, trust=None)
    assert np.abs(method(image, trimap) - alone).max() < 1e-4


def test_known_pixels_are_kept_and_borders_do_not_matter(method, picture):
    image, trimap = picture
    alpha = method(image[:, 3:-2], trimap[:, 3:-2])
    known = trimap[:, 3:-2] != 0.5
    assert alpha.shape == (H, W - 5)
    assert (alpha[known] == trimap[:, 3:-2][known]).all()
    assert np.ptp(alpha[~known]) > 0.1


def test_pixels_nearer_to_the_foregrounds_colours_are_more_opaque(method):
    ramp = np.linspace(0, 1, W)
    image = np.tile(ramp[None, :, None] * [0.1, 0.8, 0.3] + [0.2, 0.1, 0.3], (H, 1, 1))
    trimap = np.tile(np.select([ramp < 0.3, ramp > 0.7], [0, 1], 0.5), (H, 1))
    alpha = method(image, trimap)[H // 2]
    unknown = trimap[0] == 0.5
    assert (np.diff(alpha[unknown]) > -0.02).all()
    assert alpha[unknown][0] < 0.2 < 0.8 < alpha[unknown][-1]


def test_a_fresh_network_can_be_trained(picture):
    model = alphamat_deep.build("learned", rngs=nnx.Rngs(0))
    image = jnp.asarray(picture[0][None], jnp.float32)
    graph, state = nnx.split(model)
    full, half = jnp.tile(image, 7)[..., :19], jnp.tile(image[:, ::2, ::2], 13)[..., :38]

    def loss(state):
        return jnp.square(nnx.merge(graph, state).from_features(full, half).raw).mean()

    slopes = jax.tree.leaves(jax.jit(jax.grad(loss))(state))
    assert all(np.isfinite(slope).all() and np.abs(slope).max() > 0 for slope in slopes)


def test_other_networks_say_that_they_need_a_file():
    with pytest.raises(ValueError, match=r"`weights` is missing; dim needs its authors' file"):
        alphamat_deep.load("dim")


def test_sizes_are_multiples_of_32():
    model = alphamat_deep.build("learned", rngs=nnx.Rngs(0))
    with pytest.raises(ValueError, match=r"48 × 64 .* expected multiples of 32"):
        model(jnp.zeros((1, 48, 64, 3)), jnp.zeros((1, 48, 64, 1)))
