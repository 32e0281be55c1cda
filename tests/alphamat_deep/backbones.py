"""Backbones small enough to compile in no time: a published one's gradients take minutes."""

from itertools import accumulate, pairwise

from flax import nnx

from alphamat_deep.layers import Conv


class Backbone(nnx.Module):
    """Five convolutions, each of which halves the picture."""

    features = 4, 5, 6, 7, 8

    def __init__(self, channels=3, *, rngs):
        pairs = pairwise((channels, *self.features))
        self.convs = nnx.List(Conv(*pair, 3, stride=2, padding=1, rngs=rngs) for pair in pairs)

    def __call__(self, x):
        return tuple(accumulate(self.convs, lambda x, conv: conv(x), initial=x))[1:]


class Shallower(Backbone):
    """Four of them, down to a sixteenth of the picture."""

    features = 4, 5, 6, 7
