"""Which arrays count as parameters."""

from flax import nnx

from alphamat_deep import layers


def test_parameters_are_counted_with_singular_vectors_and_without_statistics():
    class Two(nnx.Module):
        def __init__(self, rngs):
            self.conv = layers.SpectralConv(2, 3, 3, rngs=rngs)
            self.norm = layers.batch_norm(3, rngs=rngs)

    assert layers.count_parameters(Two(nnx.Rngs(0))) == 2 * 3 * 9 + 3 + 2 * 9 + 2 * 3
