"""The library's own network, written plainly in float64: what it sees, and what it makes of it."""

import numpy as np
from scipy.ndimage import convolve1d

BLOCKS = 1, 1, 2, 3


def alpha(image, foreground, background, weights):
    """Return the network's alpha (H, W), neither clipped nor held to the trimap."""
    height, width = foreground.shape
    full, half = features(image, foreground, background)
    return network(full, half, weights)[:height, :width]


def features(image, foreground, background):
    """Return the features at full and at half size, channels last."""
    padding = [(0, -side % 32) for side in foreground.shape]
    image = np.pad(image, [*padding, (0, 0)], mode="edge")
    F, B = (np.pad(part, padding, mode="edge").astype(float) for part in (foreground, background))
    products = np.stack([image[..., i] * image[..., j] for i in range(3) for j in range(i, 3)], -1)
    ones = np.ones((*F.shape, 1))
    moments = np.concatenate([ones, image, products], axis=-1)
    moments = np.concatenate([F[..., None] * moments, B[..., None] * moments], axis=-1)
    sums = {cell: mean_of_cells(moments, cell) for cell in (4, 8, 16, 32)}
    carried = {32: blurred(sums[32]) + 1e-3 * sums[32].mean(axis=(0, 1))}
    for cell in (16, 8, 4):
        carried[cell] = blurred(sums[cell]) + 0.03 * doubled(carried[2 * cell])
    layers = {cell: [model(e[..., :10]), model(e[..., 10:])] for cell, e in carried.items()}

    def brought_to(cell, size):
        """Return models of cells, interpolated at pixels of a size: means, inverses, knowledge."""
        parts = [part for layer in layers[cell] for part in layer]
        for _ in range(int(np.log2(cell // size))):
            parts = [doubled(part) for part in parts]
        return parts

    mean_f, _, _, mean_b, _, _ = fine = brought_to(4, 1)
    marks = np.stack([F, B, 1 - F - B], axis=-1)
    full = [image - 0.5, marks, mean_f - image, mean_b - image, compared(image, *fine)]
    small = mean_of_cells(image, 2)
    half = [compared(small, *brought_to(cell, 2)) for cell in (8, 16)]
    half += [attended(small, sums[cell], cell // 2) for cell in (8, 16, 32)]
    half[-1] = half[-1][..., :4]
    return np.concatenate(full, axis=-1), np.concatenate(half, axis=-1)


def mean_of_cells(x, cell):
    height, width, channels = x.shape
    return x.reshape(height // cell, cell, width // cell, cell, channels).mean(axis=(1, 3))


def blurred(x):
    for axis in (0, 1):
        x = convolve1d(x, [0.25, 0.5, 0.25], axis=axis, mode="nearest")
    return x


def doubled(x):
    """Interpolate linearly between the centres of pixels; beyond the last ones x is constant."""
    for axis in (0, 1):
        size = x.shape[axis]
        place = np.clip((np.arange(2 * size) - 0.5) / 2, 0, size - 1)
        below = np.minimum(place.astype(int), max(size - 2, 0))
        above = np.minimum(below + 1, size - 1)
        share = np.expand_dims(place - below, [k for k in range(x.ndim) if k != axis])
        x = (1 - share) * x.take(below, axis) + share * x.take(above, axis)
    return x


def model(moments):
    """Return mean (…, 3), inverse covariance (…, 9), and how much is known (…, 1)."""
    weight = np.maximum(moments[..., :1], 1e-9)
    mean = moments[..., 1:4] / weight
    i, j = np.triu_indices(3)
    second = moments[..., 4:] / weight - mean[..., i] * mean[..., j]
    covariance = np.zeros((*mean.shape, 3))
    covariance[..., i, j] = covariance[..., j, i] = 0.95 * second
    for k in range(3):
        variance = second[..., [0, 3, 5][k]]
        covariance[..., k, k] = np.maximum(variance, 0) + 4e-4
    inverse = np.linalg.inv(covariance).reshape(*mean.shape[:-1], 9)
    known = np.clip(np.log10(moments[..., :1] + 1e-6) / 6 + 1, 0, 1)
    return mean, inverse, known


def compared(image, mean_f, inverse_f, known_f, mean_b, inverse_b, known_b):
    alpha, off = projected(image, mean_f, mean_b)
    to_f, to_b = mahalanobis(image - mean_f, inverse_f), mahalanobis(image - mean_b, inverse_b)
    ratio = to_b / (to_f + to_b + 0.1)
    told = [alpha - 0.5, 2 * off, to_f / (2 + to_f), to_b / (2 + to_b), ratio - 0.5]
    return np.concatenate([np.stack(told, axis=-1), known_f, known_b], axis=-1)


def mahalanobis(d, inverse):
    inverse = inverse.reshape(*d.shape, 3)
    return np.sqrt(np.einsum("...i,...ij,...j", d, inverse, d))


def projected(image, F, B):
    """Return alpha on the line from B to F, and how far off the line a colour is."""
    d, e = F - B, image - B
    alpha = np.clip((d * e).sum(-1) / ((d * d).sum(-1) + 1e-3), -0.5, 1.5)
    off = e - np.clip(alpha, 0, 1)[..., None] * d
    return alpha, np.sqrt((off**2).sum(-1) + 1e-6)


def attended(image, sums, cell):
    """Return what the known cells within three cells say of each pixel's colour."""
    height, width, _ = image.shape
    nearest, means = np.ones((2, height, width)), np.empty((2, height, width, 3))
    for layer in range(2):
        moments = sums[..., 10 * layer :]
        weight = np.clip(4 * moments[..., 0], 0, 1)
        colour = moments[..., 1:4] / np.maximum(moments[..., :1], 1e-6)
        for y, x in np.ndindex(height, width):
            rows, columns = (slice(max(at // cell - 3, 0), at // cell + 4) for at in (y, x))
            squared = ((colour[rows, columns] - image[y, x]) ** 2).sum(-1)
            v = weight[rows, columns]
            nearest[layer, y, x] = squared[v > 0.02].min(initial=1)
            k = v / (squared + 1e-3) ** 2
            mean = (k[..., None] * colour[rows, columns]).sum((0, 1)) / max(k.sum(), 1e-9)
            means[layer, y, x] = mean if k.sum() > 0 else image[y, x]
    alpha, off = projected(image, *means)
    told = [*2 * np.sqrt(nearest), alpha - 0.5, 2 * off]
    return np.concatenate([np.stack(told, axis=-1), means[0] - image, means[1] - image], axis=-1)


def network(full, half, weights):
    def convolve(x, name, stride=1):
        kernel = weights[f"{name}.weight"].astype(float)
        size = kernel.shape[2]
        height, width, _ = x.shape
        x = np.pad(x, [(size // 2, size // 2)] * 2 + [(0, 0)])
        return weights[f"{name}.bias"] + sum(
            x[i : i + height, j : j + width][::stride, ::stride] @ kernel[..., i, j].T
            for i, j in np.ndindex(size, size)
        )

    def relu(x):
        return np.maximum(x, 0)

    def block(x, name):
        return x + convolve(relu(convolve(relu(x), f"{name}.conv1")), f"{name}.conv2")

    x = convolve(full, "stem")
    kept = []
    for level, count in enumerate(BLOCKS):
        kept.append(x)
        x = convolve(relu(x), f"down.{level}", stride=2)
        if level == 0:
            x = x + convolve(half, "low")
        for k in range(count):
            x = block(x, f"encoder.{level}.{k}")
    for level in reversed(range(4)):
        x = kept[level] + doubled(convolve(relu(x), f"up.{level}"))
        x = block(x, f"decoder.{level}")
    return convolve(relu(x), "head")[..., 0]
