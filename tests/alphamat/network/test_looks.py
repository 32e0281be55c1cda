import cv2
import numpy as np
import pytest

from alphamat.network import looks
from alphamat.trimap import Trimap


def square(side=300, unknown=220):
    """Return a trimap with an unknown square within known background, a bit of it foreground."""
    inside = np.zeros((side, side + 2), bool)
    first = (side - unknown) // 2
    inside[first : first + unknown, first : first + unknown] = True
    foreground = np.zeros_like(inside)
    foreground[first : first + 4, first : first + 4] = True
    return Trimap(foreground, ~inside)


@pytest.fixture
def network(monkeypatch):
    """A network that calls all that is unknown in a picture of one height by one alpha."""
    says, seen = {}, []

    def estimate(image, trimap, weights):
        seen.append(image.shape)
        return np.where(trimap.unknown, says[len(image)], trimap.foreground)

    monkeypatch.setattr(looks, "estimate_alpha", estimate)
    return says, seen


def alpha_of(trimap, count=2):
    image = np.full((*trimap.unknown.shape, 3), 0.5)
    return looks.estimate_by_looks(image, trimap, {}, looks=count)


def test_alpha_that_is_decided_in_half_the_size_moves_alpha_far_from_known_pixels(network):
    says, seen = network
    says |= {300: 0.5, 150: 0.9}
    trimap = square()
    alpha = alpha_of(trimap)
    assert seen == [(300, 302, 3), (150, 151, 3)]
    distance = cv2.distanceTransform(trimap.unknown.astype(np.uint8), cv2.DIST_L2, 5)
    assert alpha[distance > 24] == pytest.approx(0.9)
    assert alpha[trimap.unknown & (distance < 5)] == pytest.approx(0.5)
    np.testing.assert_array_equal(alpha[~trimap.unknown], trimap.foreground[~trimap.unknown])


@pytest.mark.parametrize(("full", "half"), [(0.9, 0.5), (0.5, 0.5), (0.5, 0.55)])
def test_alpha_that_is_no_more_decided_moves_nothing(network, full, half):
    says, _ = network
    says |= {300: full, 150: half}
    trimap = square()
    assert alpha_of(trimap)[trimap.unknown] == pytest.approx(full)


def test_details_stay_those_of_the_full_size(network, monkeypatch):
    trimap = square()
    noise = np.random.default_rng(8).choice([-0.1, 0.1], size=trimap.unknown.shape)
    noise[1::2] = -noise[::2]  # no mean is left of it in half the size
    says, _ = network
    says |= {300: 0.5 + noise, 150: 0.8}
    alpha = alpha_of(trimap)
    middle = slice(120, 180)
    np.testing.assert_allclose((alpha - noise)[middle, middle], 0.8, rtol=0, atol=1e-9)


def test_each_size_is_half_of_the_one_before_until_the_network_sees_all_of_it(network):
    says, seen = network
    says |= {1000: 0.5, 500: 0.5, 250: 0.5, 125: 1.0}
    trimap = square(1000, 900)
    alpha = alpha_of(trimap, count=9)
    assert [shape[0] for shape in seen] == [1000, 500, 250, 125]
    assert alpha[500, 500] == pytest.approx(1)


@pytest.mark.parametrize("trimap", [square(300, 12), square(224, 200)])
def test_narrow_bands_and_small_pictures_are_seen_once(network, trimap):
    says, seen = network
    says[len(trimap.unknown)] = 0.5
    alpha_of(trimap)
    assert len(seen) == 1


def test_greyness_is_a_mean_over_the_unknown_pixels_of_a_window():
    rng = np.random.default_rng(5)
    alpha, unknown = rng.random((50, 41)), rng.random((50, 41)) < 0.3
    found = looks.greyness(alpha, unknown)
    for y, x in [(0, 0), (20, 20), (49, 3), (30, 40)]:
        around = np.s_[max(y - 16, 0) : y + 17, max(x - 16, 0) : x + 17]
        values = alpha[around][unknown[around]]
        assert found[y, x] == pytest.approx(np.mean(4 * values * (1 - values)))
    assert (looks.greyness(alpha, np.zeros_like(unknown)) == 0).all()
