"""What joins layers."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np

from alphamat_deep import layers
from tests.alphamat_deep.layers.reference import noise


def test_rectifying_takes_what_is_negative_away_and_hides_no_failure():
    x = jnp.float32([-2, -0.0, 0, 3, jnp.nan, jnp.inf])
    np.testing.assert_array_equal(layers.rectify(x), jax.nn.relu(x))
    slopes = jax.vmap(jax.grad(layers.rectify))(x[:4])
    np.testing.assert_array_equal(slopes, [0, 0, 0, 1])


def test_what_ends_a_residual_block_is_computed_once():
    def chain(x, kernel, *, end):
        for _ in range(5):
            x = end(x + layers.convolve(x, kernel, padding=1))
        return x

    def ends(end, name):
        compiled = jax.jit(partial(chain, end=end)).lower(noise(1, 8, 8, 4), noise(3, 3, 4, 4))
        return compiled.compile().as_text().count(f" {name}(")

    assert ends(layers.rectify, "select") == 5
    if jax.default_backend() == "cpu":
        assert ends(jax.nn.relu, "maximum") > 5  # else `rectify` has become needless


def test_detail_counts_where_the_second_score_is_highest():
    scores = jnp.asarray([[5, 1, 0], [0, 2, 1], [0, 1, 3], [2, 2, 0], [0, 2, 2]], jnp.float32)
    fused = layers.fuse_semantic_and_detail(scores[None, None], jnp.full((1, 1, 5, 1), 0.3))
    np.testing.assert_allclose(fused.ravel(), [1, 0.3, 0, 1, 0.3])
