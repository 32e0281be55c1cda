"""What networks ported from PyTorch and Paddle are made of, with the rules of those two.

Arrays are NHWC, kernels HWIO. Layers keep their authors' names for what they hold only where Flax
has none; `fill` knows both.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import partial
from math import prod, sqrt

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx
from jax import lax
from jaxtyping import Array, Float


class SpectralVector(nnx.Variable):
    """A singular vector, which power iteration finds and no gradient reaches."""


class Conv(nnx.Module):
    """A convolution that puts `padding` zeros on every side, whatever its stride.

    "SAME" is another rule: at a stride of 2, 3 × 3 puts none before an even side, and one after.
    """

    def __init__(
        self,
        channels: int,
        features: int,
        size: int,
        *,
        stride: int = 1,
        padding: int | str = 0,
        dilation: int = 1,
        groups: int = 1,
        bias: bool = True,
        rngs: nnx.Rngs,
    ):
        shape = (size, size, channels // groups, features)
        self.kernel = nnx.Param(he(rngs.params(), shape))
        self.bias = nnx.Param(jnp.zeros(features)) if bias else None
        self.stride, self.padding, self.dilation, self.groups = stride, padding, dilation, groups

    def __call__(self, x: Float[Array, "B H W C"]) -> Float[Array, "B h w F"]:
        options = self.stride, self.padding, self.dilation, self.groups
        return shift(convolve(x, self.kernel[...], *options), self.bias)


class ConvTranspose(nnx.Module):
    """The adjoint of a 4 × 4 convolution with stride 2 and padding 1: it doubles H and W."""

    def __init__(self, channels: int, features: int, *, bias: bool = True, rngs: nnx.Rngs):
        self.kernel = nnx.Param(he(rngs.params(), (4, 4, channels, features)))
        self.bias = nnx.Param(jnp.zeros(features)) if bias else None

    def __call__(self, x: Float[Array, "B H W C"]) -> Float[Array, "B 2*H 2*W F"]:
        return shift(double(x, self.kernel[...]), self.bias)


def batch_norm(features: int, *, scale: float = 1.0, rngs: nnx.Rngs) -> nnx.BatchNorm:
    """Normalise by batch with PyTorch's constants: its momentum of 0.1 is Flax's 0.9.

    A small `scale` to begin with makes a residual branch begin as nothing.
    """
    start = nnx.initializers.constant(scale)
    return nnx.BatchNorm(features, momentum=0.9, epsilon=1e-5, scale_init=start, rngs=rngs)


def instance_norm(features: int, *, affine: bool, rngs: nnx.Rngs) -> nnx.InstanceNorm:
    """Normalise each picture by itself, with PyTorch's constant."""
    return nnx.InstanceNorm(
        features,
        epsilon=1e-5,
        use_scale=affine,
        use_bias=affine,
        use_fast_variance=False,
        rngs=rngs,
    )


class ConvBN(nnx.Module):
    """Convolution and batch normalisation, under PaddleSeg's names."""

    def __init__(
        self,
        channels: int,
        features: int,
        size: int,
        *,
        scale: float = 1.0,
        rngs: nnx.Rngs,
        **options,
    ):
        self._conv = Conv(channels, features, size, rngs=rngs, **options)
        self._batch_norm = batch_norm(features, scale=scale, rngs=rngs)

    def __call__(self, x: Float[Array, "B H W C"]) -> Float[Array, "B h w F"]:
        return self._batch_norm(self._conv(x))


class ConvBNReLU(nnx.Module):
    """Convolution, batch normalisation and rectifier, under PaddleSeg's names."""

    def __init__(self, channels: int, features: int, size: int, *, rngs: nnx.Rngs, **options):
        self._conv = Conv(channels, features, size, rngs=rngs, **options)
        self._batch_norm = batch_norm(features, rngs=rngs)

    def __call__(self, x: Float[Array, "B H W C"]) -> Float[Array, "B h w F"]:
        return jax.nn.relu(self._batch_norm(self._conv(x)))


class Stack(nnx.Module):
    """Layers one after the other, under their numbers, as PyTorch's `Sequential` has them."""

    def __init__(self, layers: Sequence[Callable]):
        self.count = len(layers)
        for at, layer in enumerate(layers):
            setattr(self, str(at), layer)

    def __call__(self, x: Float[Array, "B H W C"]) -> Float[Array, "B h w F"]:
        return through((getattr(self, str(at)) for at in range(self.count)), x)


class BinMeans(nnx.Module):
    """Average over n × n bins of the picture, n the size ("adaptive" pooling).

    Bin i of n is from i/n to (i + 1)/n of the side, rounded outwards to whole pixels.
    """

    def __init__(self, size: int):
        self.size = size

    def __call__(self, x: Float[Array, "B H W C"]) -> Float[Array, "B n n C"]:
        rows, columns = (jnp.asarray(self._means(side), x.dtype) for side in x.shape[1:3])
        return jnp.einsum("ph,bhwc,qw->bpqc", rows, x, columns)

    def _means(self, side: int) -> np.ndarray:
        at, edges = np.arange(side), np.arange(self.size + 1) * side
        first, last = edges[:-1] // self.size, -(-edges[1:] // self.size)
        within = (at >= first[:, None]) & (at < last[:, None])
        return within / within.sum(axis=1, keepdims=True)


class PyramidPooling(nnx.Module):
    """Put means over ever smaller parts of a picture beside what is there, under PaddleSeg's names.

    Zhao, Shi, Qi, Wang & Jia, "Pyramid Scene Parsing Network", CVPR 2017.
    """

    def __init__(
        self, channels: int, features: int, sizes: tuple[int, ...] = (1, 3, 5), *, rngs: nnx.Rngs
    ):
        self.stages = nnx.List(
            nnx.List([BinMeans(n), ConvBNReLU(channels, channels, 1, rngs=rngs)]) for n in sizes
        )
        everything = (1 + len(sizes)) * channels
        self.conv_bn_relu2 = ConvBNReLU(everything, features, 3, padding=1, rngs=rngs)

    def __call__(self, x: Float[Array, "B H W C"]) -> Float[Array, "B H W F"]:
        means = [paddle_resize(through(stage, x), *x.shape[1:3]) for stage in self.stages]
        return self.conv_bn_relu2(beside(x, *means[::-1]))


class SpectralConv(nnx.Module):
    """A convolution without bias whose kernel is divided by its largest singular value.

    Miyato, Kataoka, Koyama & Yoshida, "Spectral Normalization for Generative Adversarial Networks",
    ICLR 2018. With the kernel as a matrix W of one row per feature, that value is uᵀ W v, where u
    and v are singular vectors as far as power iteration has come. It takes a step in training.
    """

    def __init__(
        self,
        channels: int,
        features: int,
        size: int,
        *,
        stride: int = 1,
        padding: int = 0,
        rngs: nnx.Rngs,
    ):
        self.kernel = nnx.Param(he(rngs.params(), (size, size, channels, features)))
        self.u, self.v = singular_vectors(rngs, features, (size, size, channels))
        self.stride, self.padding, self.deterministic = stride, padding, False

    def __call__(self, x: Float[Array, "B H W C"]) -> Float[Array, "B h w F"]:
        y = convolve(x, self.kernel[...], self.stride, self.padding)
        return y / spectral_norm(self, "hwio,o,hwi")


class SpectralConvTranspose(nnx.Module):
    """`ConvTranspose` without bias, its kernel normalised as in `SpectralConv`.

    PyTorch's W has a row per channel that comes in, Paddle's one per feature that goes out.
    """

    def __init__(self, channels: int, features: int, *, by_feature: bool = False, rngs: nnx.Rngs):
        self.kernel = nnx.Param(he(rngs.params(), (4, 4, channels, features)))
        rows, columns = (features, channels) if by_feature else (channels, features)
        self.u, self.v = singular_vectors(rngs, rows, (4, 4, columns))
        self.by_feature, self.deterministic = by_feature, False

    def __call__(self, x: Float[Array, "B H W C"]) -> Float[Array, "B 2*H 2*W F"]:
        axes = "hwio,o,hwi" if self.by_feature else "hwio,i,hwo"
        return double(x, self.kernel[...]) / spectral_norm(self, axes)


def singular_vectors(
    rngs: nnx.Rngs, rows: int, columns: tuple[int, ...]
) -> tuple[SpectralVector, SpectralVector]:
    """Return u (rows,) and v (columns) to start power iteration from, of unit length."""
    return tuple(SpectralVector(unit(normal(rngs.params(), s))) for s in ((rows,), columns))


def he(key: Array, shape: tuple[int, ...]) -> Array:
    """Draw a kernel that keeps the variance of what rectifiers let through.

    He, Zhang, Ren & Sun, "Delving Deep into Rectifiers", ICCV 2015.
    """
    return normal(key, shape, sqrt(2 / prod(shape[:-1])))


def normal(key: Array, shape: tuple[int, ...], scale: float = 1.0) -> Array:
    # What is compiled for each shape is little: to compile a draw takes much longer than to draw.
    drawn = jax.random.normal(key, 2 ** max(16, (prod(shape) - 1).bit_length()))
    return first(scale * drawn, shape)


@partial(jax.jit, static_argnums=1)
def first(x: Array, shape: tuple[int, ...]) -> Array:
    return x[: prod(shape)].reshape(shape)


def spectral_norm(layer: SpectralConv | SpectralConvTranspose, axes: str) -> Array:
    """Return uᵀ W v, in training after a step of power iteration; `axes` are those of W, u and v.

    What comes out of a layer is divided by it, since dividing the kernel would copy that each time.
    """
    kernel, u, v = layer.kernel[...], layer.u[...], layer.v[...]
    W, rows, columns = axes.split(",")
    if not layer.deterministic:
        fixed = lax.stop_gradient(kernel)
        v = unit(jnp.einsum(f"{W},{rows}->{columns}", fixed, u))
        u = unit(jnp.einsum(f"{W},{columns}->{rows}", fixed, v))
        layer.u[...], layer.v[...] = u, v
    # Summed in one pass, which einsum would not do: it makes all of u vᵀ first.
    u = jnp.expand_dims(u, [at for at, axis in enumerate(W) if axis != rows])
    return (kernel * u * jnp.expand_dims(v, W.index(rows))).sum()


def unit(x: Array) -> Array:
    return x / (jnp.linalg.norm(x) + 1e-12)


def rectify(x: Array) -> Array:
    """Rectify what several layers will read, as the end of a residual block.

    XLA computes again for each reader what it deems cheap, such as `jax.nn.relu` of a sum: along a
    chain of blocks all sums before it, too. It keeps what comes of two operands.
    """
    return jnp.where(x <= 0, 0, x)


def shift(x: Array, bias: nnx.Param | None) -> Array:
    return x if bias is None else x + bias[...]


def convolve(
    x: Array,
    kernel: Array,
    stride: int = 1,
    padding: int | str | tuple[tuple[int, int], tuple[int, int]] = 0,
    dilation: int = 1,
    groups: int = 1,
) -> Array:
    """Convolve with zeros around: so many, "SAME", or for each axis before and after it."""
    if kernel.shape[:2] == (1, 1) and groups == 1 and padding == 0:
        # XLA's matrix product outruns its convolution of one pixel, on a CPU by a quarter.
        return jnp.einsum("bhwi,io->bhwo", x[:, ::stride, ::stride], kernel[0, 0])
    # XLA on a CPU takes up to twice as long where channels do not come in fours.
    fill = -x.shape[3] % 4 if groups == 1 else 0
    x = jnp.pad(x, [(0, 0), (0, 0), (0, 0), (0, fill)])
    kernel = jnp.pad(kernel, [(0, 0), (0, 0), (0, fill), (0, 0)])
    # It takes three times as long where nothing is padded: so it makes one column more.
    more = stride if padding == 0 else 0
    around = (
        [(padding, padding), (padding, padding + more)] if isinstance(padding, int) else padding
    )

    def whole(x, kernel):
        y = lax.conv_general_dilated(
            x,
            kernel,
            (stride, stride),
            around,
            rhs_dilation=(dilation, dilation),
            dimension_numbers=("NHWC", "HWIO", "NHWC"),
            feature_group_count=groups,
        )
        return y[:, :, :-1] if more else y

    channels, features = kernel.shape[2:]
    if groups == x.shape[3] == features > 1 and isinstance(padding, int):
        shifted = partial(depthwise, stride=stride, padding=padding, dilation=dilation)
        return lax.platform_dependent(x, kernel, cpu=shifted, default=whole)
    few = features <= 4 and channels <= 24 and stride == dilation == groups == 1
    kept = padding == kernel.shape[1] // 2 and kernel.shape[1] % 2  # the size
    if few and kept and x.shape[2] % 4 == 0:
        return lax.platform_dependent(x, kernel, cpu=in_fours, default=whole)
    return whole(x, kernel)


def in_fours(x: Array, kernel: Array) -> Array:
    """Convolve with an odd kernel, to the same size: four columns at a time are four features each.

    For so few features XLA on a CPU takes two to four times as long otherwise.
    """
    B, H, W, _ = x.shape
    border, features = kernel.shape[1] // 2, kernel.shape[3]
    shifted = [jnp.pad(kernel, [(0, 0), (at, 3 - at), (0, 0), (0, 0)]) for at in range(4)]
    y = lax.conv_general_dilated(
        x,
        jnp.concatenate(shifted, axis=3),
        (1, 4),
        [(border, border)] * 2,
        dimension_numbers=("NHWC", "HWIO", "NHWC"),
    )
    return y.reshape(B, H, W, features)


def depthwise(x: Array, kernel: Array, stride: int, padding: int, dilation: int) -> Array:
    """Convolve each feature by itself: one multiplication and addition for each kernel's entry.

    XLA's grouped convolution on a CPU takes some ten times as long.
    """
    size = kernel.shape[:2]
    rows, columns = (
        (side + 2 * padding - dilation * (length - 1) - 1) // stride + 1
        for side, length in zip(x.shape[1:3], size, strict=True)
    )
    x = jnp.pad(x, [(0, 0), (padding, padding), (padding, padding), (0, 0)])
    total = 0
    for i, j in np.ndindex(*size):
        y, z = i * dilation, j * dilation
        window = x[:, y : y + stride * rows : stride, z : z + stride * columns : stride]
        total = total + window * kernel[i, j, 0]
    return total


def double(x: Array, kernel: Array) -> Array:
    """Apply the adjoint of a 4 × 4 convolution with stride 2 and padding 1.

    Output (2i + a, 2j + b) sees the 2 × 2 inputs from (i + a - 1, j + b - 1) on, through every
    second row and column of the kernel. So one 2 × 2 convolution makes all four phases, those of
    a, b = 1 before the others, where putting zeros between the inputs would quadruple the work.
    Kernels are stored mirrored.
    """
    B, H, W, _ = x.shape
    features = kernel.shape[3]
    phases = [kernel[a::2, b::2] for a in (1, 0) for b in (1, 0)]
    y = convolve(x, jnp.concatenate(phases, axis=3), padding=1)
    y = y.reshape(B, H + 1, W + 1, 2, 2 * features).swapaxes(2, 3)
    return y.reshape(B, 2 * H + 2, 2 * W + 2, features)[:, 1:-1, 1:-1]


def pool(x: Float[Array, "B H W C"]) -> tuple[Array, Array]:
    """Return the largest of each 2 × 2 pixels, and which of the four it was: the first, in a tie.

    A last odd row or column is left out.
    """
    H, W = x.shape[1] // 2 * 2, x.shape[2] // 2 * 2
    top, place = x[:, 0:H:2, 0:W:2], 0
    for at, (a, b) in enumerate(((0, 1), (1, 0), (1, 1)), start=1):
        other = x[:, a:H:2, b:W:2]
        place = jnp.where(other > top, at, place)
        top = jnp.maximum(top, other)
    return top, place.astype(jnp.uint8)


def unpool(x: Float[Array, "B H W C"], place: Array) -> Float[Array, "B 2*H 2*W C"]:
    """Put each value where `pool` found one, and zeros beside it."""
    B, H, W, C = x.shape
    corner = jnp.arange(4, dtype=jnp.uint8).reshape(2, 1, 2, 1)
    spread = jnp.where(place[:, :, None, :, None] == corner, x[:, :, None, :, None], 0)
    return spread.reshape(B, 2 * H, 2 * W, C)


def halve(x: Float[Array, "B H W C"]) -> Float[Array, "B h w C"]:
    """Average each 2 × 2 pixels; of a last odd row or column, those that there are."""
    x = jnp.pad(x, [(0, 0), (0, x.shape[1] % 2), (0, x.shape[2] % 2), (0, 0)], mode="edge")
    B, H, W, C = x.shape
    return x.reshape(B, H // 2, 2, W // 2, 2, C).mean((2, 4))


def fuse(
    semantic: Float[Array, "B H W 3"], detail: Float[Array, "B H W 1"]
) -> Float[Array, "B H W 1"]:
    """Return 1 where the first of three scores is highest, 0 where the third is, else `detail`.

    Of equal ones the earlier counts.
    """
    best = semantic.argmax(axis=-1, keepdims=True)
    return jnp.where(best == 1, detail, (best == 0).astype(detail.dtype))


def resize(x: Float[Array, "B H W C"], height: int, width: int) -> Float[Array, "B h w C"]:
    """Resize bilinearly with half-pixel centres, never antialiased (align_corners=False)."""
    if (height, width) == x.shape[1:3]:
        return x
    if height == 2 * x.shape[1] and width == 2 * x.shape[2]:
        return twice(twice(x, 1), 2)
    if x.shape[1] % height == 0 and x.shape[2] % width == 0:
        return middle(middle(x, 1, height), 2, width)
    return between(between(x, 1, height), 2, width)


def between(x: Array, axis: int, count: int, step: float | None = None) -> Array:
    """Resize bilinearly along an axis, to pixels that are `step` of the old ones wide."""
    first, second, weight = neighbours(x.shape[axis], count, step)
    weight = jnp.asarray(weight, x.dtype).reshape(-1, *[1] * (x.ndim - axis - 1))
    pixels = partial(x.take, axis=axis, mode="clip")
    return (1 - weight) * pixels(first) + weight * pixels(second)


def neighbours(
    length: int, count: int, step: float | None = None
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the two old pixels around each new one's middle, and the weight of the second."""
    middles = np.arange(count, dtype=np.float32) + np.float32(0.5)
    # In single precision, as PyTorch: what is learnt sees even that.
    at = np.maximum(middles * np.float32(step or length / count) - np.float32(0.5), 0)
    first = np.minimum(at.astype(int), length - 1)
    return first, np.minimum(first + 1, length - 1), np.float32(at - first)


def repeat(x: Float[Array, "B H W C"]) -> Float[Array, "B 2*H 2*W C"]:
    """Make each pixel 2 × 2."""
    return x.repeat(2, 1).repeat(2, 2)


def twofold(x: Float[Array, "B H W C"]) -> Float[Array, "B 2*H 2*W C"]:
    return resize(x, 2 * x.shape[1], 2 * x.shape[2])


def paddle_resize(x: Float[Array, "B H W C"], height: int, width: int) -> Float[Array, "B h w C"]:
    """Resize as Paddle does: down to a single row or column by the first, not by the middle."""
    x = x[:, : 1 if height == 1 else None, : 1 if width == 1 else None]
    return resize(x, height, width)


def twice(x: Array, axis: int) -> Array:
    """Resize bilinearly to twice the length: each half is 3/4 of its pixel and 1/4 of the next."""
    n = x.shape[axis]
    part = lambda first, last: lax.slice_in_dim(x, first, last, axis=axis)  # noqa: E731
    before = jnp.concatenate([part(0, 1), part(0, n - 1)], axis)
    after = jnp.concatenate([part(1, n), part(n - 1, n)], axis)
    halves = jnp.stack([0.75 * x + 0.25 * before, 0.75 * x + 0.25 * after], axis + 1)
    return halves.reshape(*x.shape[:axis], 2 * n, *x.shape[axis + 1 :])


def middle(x: Array, axis: int, count: int) -> Array:
    """Resize bilinearly to a whole part of the length: to each part's middle pixel, or two."""
    part = x.shape[axis] // count
    pixel = lambda first: lax.slice_in_dim(x, first, None, part, axis)  # noqa: E731
    return 0.5 * (pixel((part - 1) // 2) + pixel(part // 2))


def refuse_unless_multiples(of: int, image: Array, *, least: int = 0) -> None:
    """Raise ValueError unless a batch's height and width are multiples, and at least so much."""
    height, width = image.shape[1:3]
    if height % of or width % of or min(height, width) < least:
        bound = f", at least {least}" if least else ""
        raise ValueError(
            f"`image` is {height} × {width} (height × width); expected multiples of {of}{bound}."
        )


def beside(*parts: Array) -> Array:
    return jnp.concatenate(parts, axis=-1)


def average(x: Float[Array, "B H W C"]) -> Float[Array, "B 1 1 C"]:
    return x.mean((1, 2), keepdims=True)


def through(layers: Iterable[Callable], x: Array) -> Array:
    for layer in layers:
        x = layer(x)
    return x


def count_parameters(model: nnx.Module) -> int:
    """Return how many numbers the authors' model calls its parameters, singular vectors among them.

    Statistics of normalisation are none.
    """
    state = nnx.state(model, nnx.Any(nnx.Param, SpectralVector))
    return sum(prod(leaf.shape) for leaf in jax.tree.leaves(state))
