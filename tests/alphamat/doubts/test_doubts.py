import numpy as np
import pytest

import alphamat
from alphamat.doubts.sampling import Sampler, as_system

SYSTEMS = [alphamat.closed_form_system, alphamat.learning_based_system, alphamat.random_walk_system]


def picture():
    rng = np.random.default_rng(12)
    image = np.round(255 * rng.random((17, 23, 3))).astype(np.uint8)
    trimap = np.full((17, 23), 128, np.uint8)
    trimap[:, :4], trimap[:, 19:] = 0, 255
    return image, trimap


def correlation(a, b):
    return np.corrcoef(a[a > 0], b[a > 0])[0, 1]


@pytest.mark.parametrize("make", SYSTEMS)
def test_samples_have_the_inverse_as_their_covariance(make):
    system, spread = as_system(make(*picture()), None)
    sampler, rng = Sampler.of(system, spread), np.random.default_rng(4)
    drawn = np.stack([sampler.draw(rng) for _ in range(1000)])
    A = system.matrix
    inverse = np.linalg.inv(np.stack([A @ row for row in np.eye(A.shape[0])]))
    error = drawn.T @ drawn / 1000 - inverse
    diagonal = np.diag(inverse)
    expected = np.sqrt(((np.outer(diagonal, diagonal) + inverse**2) / 1000).sum())
    assert np.linalg.norm(error) < 1.6 * expected


@pytest.mark.parametrize("make", SYSTEMS)
def test_probes_come_to_the_exact_deviations_as_they_say(make):
    system = make(*picture())
    exact = alphamat.uncertainty(system, exact=True)
    probed = alphamat.uncertainty(system, probes=400)
    unknown = exact > 0
    np.testing.assert_array_equal(unknown, picture()[1] == 128)
    relative = probed[unknown] / exact[unknown] - 1
    assert np.sqrt((relative**2).mean()) < 1.5 * np.sqrt(2 / 400)


def test_exact_deviations_are_those_of_the_dense_inverse():
    system = alphamat.closed_form_system(*picture())
    inverse = np.linalg.inv(system.matrix.tocsr().toarray())
    scaled = system.spread.sigma * np.diag(inverse)
    found = alphamat.uncertainty(system, exact=True)[system.place]
    np.testing.assert_allclose(found, scaled / np.hypot(1, 2 * scaled), rtol=1e-6)


def test_what_is_pinned_lowers_the_others():
    image, trimap = picture()
    before = alphamat.uncertainty(image, trimap, exact=True)
    trimap[8, 11] = 255
    after = alphamat.uncertainty(image, trimap, exact=True)
    assert after[8, 11] == 0
    assert (after <= before + 1e-12).all()


def test_the_same_seed_gives_the_same():
    first, second, other = (
        alphamat.uncertainty(*picture(), probes=3, seed=seed) for seed in (5, 5, 6)
    )
    np.testing.assert_allclose(first, second, rtol=1e-6)
    assert np.abs(first - other).max() > 0.01


def test_the_first_suggestion_lowers_the_deviations_more_than_most_places():
    image, trimap = picture()
    first = alphamat.suggest(image, trimap, count=1, radius=0, probes=400)[0]

    def left(row, column):
        pinned = trimap.copy()
        pinned[row, column] = 255
        return (alphamat.uncertainty(image, pinned, exact=True) ** 2).sum()

    others = [left(row, column) for row in (2, 7, 12, 15) for column in (5, 9, 13, 17)]
    assert left(first.row, first.column) < np.median(others)


def test_suggestions_do_not_repeat_and_lie_in_the_unknown():
    image, trimap = picture()
    found = alphamat.suggest(image, trimap, count=4, radius=1, probes=64)
    places = {(row, column) for row, column, _ in found}
    assert len(places) == 4
    assert all(trimap[place] == 128 for place in places)
    assert all(0 < each.gain < 1 for each in found)


@pytest.mark.parametrize(
    ("options", "message"),
    [({"probes": 1}, "`probes` is 1"), ({"seed": -1}, "`seed`"), ({"exact": 2}, "`exact`")],
)
def test_nonsense_is_refused(options, message):
    with pytest.raises((TypeError, ValueError), match=message):
        alphamat.uncertainty(*picture(), **options)


def test_methods_that_cannot_tell_are_refused():
    with pytest.raises(ValueError, match="does not tell how sure"):
        alphamat.uncertainty(alphamat.knn_system(*picture()))
    with pytest.raises(ValueError, match="`trimap` is missing"):
        alphamat.uncertainty(picture()[0])
