"""Terms of losses against their formulas, written plainly, and in cases that are solved by hand."""

from functools import partial

import cv2
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import ndimage

from alphamat.rules import area
from alphamat_deep.training import losses
from alphamat_deep.training.losses import bgmv2, filters, gca, modnet, p3m, pp, rvm, vitmatte
from tests.alphamat_deep.networks import jit

SIZE = 2, 11, 14
SOBEL = np.outer([1, 2, 1], [-1, 0, 1])


def pictures(*size, channels=1, seed=41):
    """Return a prediction, a truth and a mask."""
    rng = np.random.default_rng(seed)
    prediction, truth = rng.random((2, *size, channels))
    return prediction, truth, (rng.random((*size, 1)) < 0.4).astype(float)


@pytest.fixture(scope="module", autouse=True)
def wide():
    with jax.enable_x64(True):
        yield


def correlated(x, kernel, mode):
    """Filter (B, H, W, 1)."""
    return ndimage.correlate(x, np.asarray(kernel, float)[None, :, :, None], mode=mode)


def magnitude(x, scale, epsilon, mode):
    across, down = (correlated(x, scale * kernel, mode) for kernel in (SOBEL, SOBEL.T))
    return np.sqrt(across**2 + down**2 + epsilon)


def gradient_l1(p, t, m):
    slopes = [magnitude(x * m, 1 / 8, 1e-6, "nearest") for x in (p, t)]
    return np.abs(slopes[0] - slopes[1]).sum() / (m.sum() + 1e-6)


def gca_gradient(p, t, m):
    slopes = [magnitude(x, 1, 1e-8, "constant") for x in (p, t)]
    return (np.abs(slopes[0] - slopes[1]) * m).sum() / (m.sum() + 1e-8)


def gabor(p, t, m):
    angles = np.arange(16) * np.pi / 8
    kernels = [cv2.getGaborKernel((5, 5), 0.5, angle, 5, 0.5) for angle in angles]
    errors = sum(correlated(p - t, kernel, "constant") ** 2 for kernel in kernels)
    return (errors * m).sum() / (m.sum() + 1e-8)


def penalty(p, t, m):
    def slopes(x):
        return np.stack([correlated(x, kernel, "constant") for kernel in (SOBEL, SOBEL.T)]) * m

    errors = np.abs(slopes(p) - slopes(t)).sum() + 0.01 * np.abs(slopes(p)).sum()
    return len(p) * 512**2 / m.sum() * errors / p.size


FORMULAS = {
    "l1": (losses.l1, lambda p, t, m: (m * abs(p - t)).sum() / (m.sum() + 1e-8)),
    "mse": (losses.mse, lambda p, t, m: (m * (p - t) ** 2).sum() / (m.sum() + 1e-8)),
    "charbonnier": (
        losses.charbonnier,
        lambda p, t, m: (m * np.sqrt((p - t) ** 2 + 1e-12)).sum() / (m.sum() + 1),
    ),
    "charbonnier, mask inside": (
        partial(losses.charbonnier, mask_inside=True, epsilon=1e-3),
        lambda p, t, m: np.sqrt((m * (p - t)) ** 2 + 1e-3).sum() / (m.sum() + 1),
    ),
    "mrsd": (
        losses.mrsd,
        lambda p, t, m: (m * np.sqrt((p - t) ** 2 + 1e-6)).sum() / (m.sum() + 1e-6),
    ),
    "gca.smooth_l1": (
        gca.smooth_l1,
        lambda p, t, m: np.sqrt((m * (p - t)) ** 2 + 1e-6).sum() / (m.sum() + 1e-8),
    ),
    "gradient_l1": (losses.gradient_l1, gradient_l1),
    "gca.gradient": (gca.gradient, gca_gradient),
    "gca.gabor": (gca.gabor, gabor),
    "vitmatte.region_l1": (
        vitmatte.region_l1,
        lambda p, t, m: len(p) * 512**2 / m.sum() * (m * abs(p - t)).mean(),
    ),
    "vitmatte.gradient_penalty": (vitmatte.gradient_penalty, penalty),
    "p3m.alpha": (
        p3m.alpha,
        lambda p, t, m: np.sqrt((m * (p - t)) ** 2 + 1e-12).sum() / (m.sum() + 1),
    ),
}
each_formula = pytest.mark.parametrize(("ours", "plain"), FORMULAS.values(), ids=FORMULAS)


@each_formula
def test_terms_are_their_formulas(ours, plain):
    arrays = pictures(*SIZE)
    np.testing.assert_allclose(ours(*map(jnp.asarray, arrays)), plain(*arrays), rtol=2e-6)


@each_formula
def test_terms_take_a_mask_of_bools(ours, plain):
    prediction, truth, mask = map(jnp.asarray, pictures(*SIZE))
    np.testing.assert_allclose(
        ours(prediction, truth, mask > 0), ours(prediction, truth, mask), rtol=1e-12
    )


@each_formula
def test_terms_keep_float32(ours, plain):
    prediction, truth, mask = (jnp.asarray(x, jnp.float32) for x in pictures(*SIZE))
    assert ours(prediction, truth, mask > 0).dtype == jnp.float32


@each_formula
def test_an_empty_mask_gives_a_finite_loss_and_gradient(ours, plain):
    prediction, truth, mask = map(jnp.asarray, pictures(*SIZE))
    loss, slope = jax.value_and_grad(ours)(prediction, truth, 0 * mask)
    assert jnp.isfinite(loss)
    assert not slope.any()


@each_formula
@pytest.mark.parametrize("of", ["prediction", "mask"])
def test_terms_refuse_what_would_be_repeated_to_fit(ours, plain, of):
    prediction, truth, mask = map(jnp.asarray, pictures(*SIZE))
    given = (
        (jnp.repeat(prediction, 3, -1), truth, mask)
        if of == "prediction"
        else (prediction, truth, mask[:1])
    )
    with pytest.raises(ValueError, match=r"\(2, 11, 14, 1\)"):
        ours(*given)


WHOLE = losses.l1, losses.mse, losses.charbonnier, losses.mrsd, losses.gradient_l1


@pytest.mark.parametrize("loss", WHOLE)
def test_without_a_mask_terms_are_means_over_all_pixels(loss):
    prediction, truth, mask = map(jnp.asarray, pictures(*SIZE))
    both = jnp.concatenate([prediction] * 2), jnp.concatenate([truth] * 2)
    np.testing.assert_allclose(loss(*both), loss(prediction, truth), rtol=1e-12)
    full = loss(prediction, truth, jnp.ones_like(mask), added=0)
    np.testing.assert_allclose(full, loss(prediction, truth), rtol=1e-12)


def test_a_mean_over_the_picture_is_less_by_the_masks_share():
    prediction, truth, mask = map(jnp.asarray, pictures(*SIZE))
    over_picture = losses.l1(mask * prediction, mask * truth)
    over_mask = losses.l1(prediction, truth, mask)
    np.testing.assert_allclose(over_picture, mask.mean() * over_mask, rtol=1e-9)


def test_colours_are_summed_under_a_mask_of_one_channel():
    prediction, truth, mask = map(jnp.asarray, pictures(*SIZE, channels=3))
    expected = 3 * losses.l1(prediction, truth, jnp.repeat(mask, 3, -1))
    np.testing.assert_allclose(losses.l1(prediction, truth, mask), expected, rtol=1e-7)


@pytest.mark.parametrize("loss", [losses.l1, losses.gradient_l1, bgmv2.gradient_l1])
def test_the_gradient_where_prediction_and_truth_agree_is_0(loss):
    truth = jnp.asarray(pictures(*SIZE)[1])
    assert not jax.grad(loss)(truth, truth).any()


def test_a_ramp_has_the_slope_of_its_pixels():
    ramp = jnp.broadcast_to(0.5 * jnp.arange(9.0)[None, None, :, None], (1, 7, 9, 1))
    slopes = filters.sobel_magnitude(ramp, epsilon=0)
    np.testing.assert_allclose(slopes[0, :, 1:-1], 0.5)
    np.testing.assert_allclose(slopes[0, :, [0, -1]], 0.25)  # the border repeats


def test_the_composite_of_the_truth_is_the_image():
    alpha, _, _ = pictures(*SIZE)
    foreground, background, _ = pictures(*SIZE, channels=3)
    image = alpha * foreground + (1 - alpha) * background
    colours = {"foreground": jnp.asarray(foreground), "background": jnp.asarray(background)}
    loss = gca.composition(jnp.asarray(alpha), jnp.asarray(image), jnp.ones(alpha.shape), **colours)
    assert loss < 1e-15
    wrong = p3m.composition(jnp.asarray(alpha + 0.1), jnp.asarray(image), **colours)
    per_colour = np.abs(0.1 * (foreground - background)).mean((0, 1, 2))
    np.testing.assert_allclose(wrong, per_colour.sum(), rtol=1e-6)


def test_composites_take_alphas_of_one_channel_only():
    picture = jnp.ones((1, 4, 5, 3))
    with pytest.raises(ValueError, match=r"expected \(1, 4, 5, 1\) for alpha"):
        losses.composite(picture, picture, picture)


def test_cross_entropies_are_their_formulas():
    rng = np.random.default_rng(43)
    logits, trimap = rng.normal(size=(*SIZE, 3)), rng.integers(3, size=(*SIZE, 1)) / 2
    softmax = np.exp(logits) / np.exp(logits).sum(-1, keepdims=True)
    at = np.int64(2 * trimap)
    given = jnp.asarray(logits), jnp.asarray(trimap)
    likely = np.take_along_axis(softmax, at, -1)
    np.testing.assert_allclose(p3m.semantic(*given), -np.log(likely).mean())
    likely = np.take_along_axis(softmax, np.int64(trimap == 1), -1)
    np.testing.assert_allclose(p3m.semantic_foreground(*given), -np.log(likely).mean())
    likely = np.take_along_axis(softmax, 2 - at, -1)
    loss = pp.likelihood(jnp.asarray(softmax), pp.classes(given[1]))
    np.testing.assert_allclose(loss, -np.log(likely + 1e-6).mean())
    with pytest.raises(ValueError, match="`classes` is"):
        losses.cross_entropy(given[0], at[..., 0])


def test_areas_are_averaged_as_pictures_are():
    x, _, _ = pictures(*SIZE)
    ours = filters.average_area(jnp.asarray(x), 4, 5)
    np.testing.assert_allclose(ours[1, ..., 0], area(x[1, ..., 0], (4, 5)))


def test_nearest_takes_the_first_pixel_of_each_part():
    x = jnp.arange(70.0).reshape(1, 7, 10, 1)
    expected = [[0, 2, 5, 7], [20, 22, 25, 27], [40, 42, 45, 47]]
    assert pp.nearest(x, 3, 4)[0, ..., 0].tolist() == expected


def test_semantics_are_smoothed_by_a_cut_gaussian():
    impulse = np.zeros((3, 3))
    impulse[1, 1] = 1
    kernel = ndimage.gaussian_filter(impulse, 0.8)
    x, _, _ = pictures(*SIZE)
    np.testing.assert_allclose(modnet.smooth(jnp.asarray(x)), correlated(x, kernel, "mirror"))


@pytest.mark.parametrize("size", [(40, 50), (64, 80), (64, 96), (30, 9)])
def test_boundaries_are_where_dilation_and_erosion_differ(size):
    y, x = np.mgrid[: size[0], : size[1]]
    alpha = np.float64(np.hypot(y - 20, x - 20) < 9)
    semantic = alpha[::4, ::4]
    sure = modnet.resize(jnp.asarray(semantic)[None, ..., None], *size)[0, ..., 0]
    side = max(int(sum(size) / 2 * 0.05), 1)
    foreground = alpha * np.asarray(sure)
    grown = ndimage.grey_dilation(foreground, (side, side))
    expected = grown != ndimage.grey_erosion(foreground, (side, side))
    given = jnp.asarray(alpha)[None, ..., None], jnp.asarray(semantic)[None, ..., None]
    np.testing.assert_array_equal(modnet.boundaries(*given)[0, ..., 0], expected)


def test_coherence_is_blind_to_what_all_frames_share():
    prediction, truth, _ = pictures(1, 3, 5, 7)
    moved = jnp.asarray(prediction) + 0.3
    np.testing.assert_allclose(
        rvm.coherence(moved, jnp.asarray(truth)),
        5 * ((np.diff(prediction, axis=1) - np.diff(truth, axis=1)) ** 2).mean(),
    )
    with pytest.raises(ValueError, match="1 frame; expected at least 2"):
        rvm.coherence(moved[:, :1], moved[:, :1])


def laplacian(x, *, average):
    """Return |bands| of a picture (H, W): by one of two pyramids."""
    line = np.array([1, 4, 6, 4, 1]) / 16
    kernel = np.outer(line, line)
    if average:
        g = np.exp(-(np.arange(-2, 3) ** 2.0))
        kernel = (g[:, None] + g) / (g[:, None] + g).sum()
    bands = []
    for _ in range(5):
        if not average:
            x = x[: len(x) // 2 * 2, : x.shape[1] // 2 * 2]
            coarser = ndimage.correlate(x, kernel, mode="mirror")[::2, ::2]
            spread = np.zeros_like(x)
            spread[::2, ::2] = 4 * coarser
            bands.append(x - ndimage.correlate(spread, kernel, mode="mirror"))
        else:
            smooth = ndimage.correlate(x, kernel, mode="nearest")
            bands.append(x - smooth)
            smooth = smooth[: len(x) // 2 * 2, : x.shape[1] // 2 * 2]
            coarser = smooth.reshape(len(x) // 2, 2, -1, 2).mean((1, 3))
        x = coarser
    return [np.abs(band) for band in [*bands, *[x] * average]]


def test_pyramids_are_their_formulas():
    prediction, truth, mask = pictures(1, 66, 97)
    difference = (prediction - truth)[0, ..., 0]
    given = jnp.asarray(prediction), jnp.asarray(truth), jnp.asarray(mask)
    bands = laplacian(difference, average=False)
    plain = sum(2.0**level * band.mean() for level, band in enumerate(bands)) / 5
    np.testing.assert_allclose(losses.laplacian_rvm(*given[:2]), plain)
    plain = sum(band.mean() for band in laplacian(difference * mask[0, ..., 0], average=True))
    np.testing.assert_allclose(losses.laplacian_aim(*given), plain)
    given = [x[:, :64, :96] for x in given]
    mask, difference = mask[0, :64, :96, 0], difference[:64, :96]
    plain = 0
    for level, band in enumerate(laplacian(difference, average=False)):
        part = mask[:: 2**level, :: 2**level]
        plain += 2**level * (part * band).sum() / (part.sum() + 1e-8)
    np.testing.assert_allclose(losses.laplacian_mgmatting(*given), plain)


@pytest.mark.parametrize(
    ("loss", "size", "wanted"),
    [
        (losses.laplacian_rvm, (63, 80), "at least 64"),
        (losses.laplacian_aim, (64, 31), "at least 32"),
        (losses.laplacian_mgmatting, (64, 80), "at least 64, multiples of 32"),
    ],
)
def test_pyramids_refuse_small_pictures(loss, size, wanted):
    picture = jnp.zeros((1, *size, 1))
    given = [picture] * (3 if loss is losses.laplacian_mgmatting else 2)
    with pytest.raises(ValueError, match=rf"{size[0]} × {size[1]} .*{wanted}"):
        loss(*given)


@pytest.mark.parametrize("dtype", [jnp.float32, jnp.float64])
def test_pyramids_keep_the_type(dtype):
    given = [jnp.asarray(x, dtype) for x in pictures(1, 64, 64)]
    for loss, count in ((losses.laplacian_rvm, 2), (losses.laplacian_aim, 3)):
        assert loss(*given[:count]).dtype == dtype


def test_terms_can_be_compiled_and_mapped():
    prediction, truth, mask = map(jnp.asarray, pictures(*SIZE))
    apart = jit(jax.vmap(losses.gradient_l1))(prediction, truth, mask)
    expected = losses.gradient_l1(prediction[:1], truth[:1], mask[:1])
    np.testing.assert_allclose(apart[0], expected)
