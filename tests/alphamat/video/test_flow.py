import numpy as np
import pytest
from scipy import ndimage

from alphamat import composite
from alphamat.trimap import from_alpha
from alphamat.video.flow import trimap_by_flow

SIZE = 90, 140


def frame(at):
    """Return a picture of a soft disc, centred there, before another texture, and its alpha."""
    y, x = np.indices(SIZE)
    alpha = np.clip((24 - np.hypot(y - at[0], x - at[1])) / 5 + 0.5, 0, 1)
    disc, ground = (_texture(seed) for seed in (3, 6))
    moved = ndimage.shift(disc, (at[0] - 45, at[1] - 60, 0), order=1, mode="wrap")
    return composite(0.6 + 0.4 * moved, alpha, 0.5 * ground), alpha


def _texture(seed):
    noise = np.random.default_rng(seed).random((*SIZE, 3))
    smooth = ndimage.gaussian_filter(noise, (2, 2, 0), mode="wrap")
    return (smooth - smooth.min()) / np.ptp(smooth)


def test_follows_what_moves():
    before, alpha = frame((45, 60))
    after, truth = frame((48.5, 72))
    trimap = trimap_by_flow(after, before, alpha, band=4)
    assert (truth[trimap == 255] > 0.9).all()
    assert (truth[trimap == 0] < 0.1).all()
    assert (trimap == 128).mean() < 2 * (from_alpha(truth, inner=4, outer=4) == 128).mean()
    held = from_alpha(alpha, inner=4, outer=4)
    assert (truth[held == 0] > 0.9).any()  # the disc has moved farther than the band is wide


def test_what_does_not_move_keeps_its_trimap():
    image, alpha = frame((45, 60))
    expected = from_alpha(alpha, inner=3, outer=3, low=0.05, high=0.95)
    np.testing.assert_array_equal(trimap_by_flow(image, image, alpha, band=3), expected)


@pytest.mark.parametrize("size", [(1, 1), (11, 14), (15, 100), (100, 7), (16, 90)])
def test_takes_pictures_of_any_size(size):
    rng = np.random.default_rng(5)
    image, alpha = rng.random((*size, 3)), np.round(rng.random(size))
    np.testing.assert_array_equal(trimap_by_flow(image, image, alpha, band=0), 255 * alpha)


def test_refuses_what_does_not_belong_together():
    image, alpha = frame((45, 60))
    with pytest.raises(ValueError, match="`previous`"):
        trimap_by_flow(image, image[1:], alpha)
    with pytest.raises(ValueError, match="`alpha`"):
        trimap_by_flow(image, image, alpha[1:])
    with pytest.raises(ValueError, match="NaN"):
        trimap_by_flow(image, image, np.full(SIZE, np.nan))
