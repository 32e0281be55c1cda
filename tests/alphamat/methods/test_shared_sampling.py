from functools import partial

import numpy as np
import pytest
from PIL import Image

import alphamat
from alphamat.methods.shared_sampling import disc, expand, shared_sampling, within
from alphamat.trimap import as_trimap
from solvers import cg, direct, multigrid
from tests import reference

H, W = 9, 14
MODULE = "alphamat.methods.shared_sampling"


def photograph(seed=11, shape=(H, W)):
    """Two noisy colours, mixed by an alpha that falls from left to right, and that alpha."""
    rng = np.random.default_rng(seed)
    alpha = np.clip(np.linspace(1.4, -0.4, shape[1]) + 0.15 * rng.normal(size=shape), 0, 1)
    F = [0.8, 0.5, 0.2] + 0.1 * rng.normal(size=(*shape, 3))
    B = [0.2, 0.3, 0.6] + 0.1 * rng.normal(size=(*shape, 3))
    return np.clip(alpha[..., None] * F + (1 - alpha[..., None]) * B, 0, 1), alpha


def bands(shape=(H, W), width=3):
    """Foreground on the left, background on the right, and a ragged edge."""
    trimap = np.full(shape, 0.5)
    trimap[:, :width], trimap[:, -width - 1 :] = 1, 0
    trimap[shape[0] // 2 :, width] = 1
    return trimap


def corners(shape=(H, W)):
    trimap = np.full(shape, 0.5)
    trimap[0, 0], trimap[-1, -1] = 1, 0
    return trimap


# ---- against the definition


@pytest.mark.parametrize(
    "parameters",
    [
        {},
        {"rays": 7},
        {"exponents": (1, 3, 2, 0.5)},
        {"reach": 3, "similarity": 0.2},
        {"sharing": 20, "smoothing": 9, "falloff": 3},
        {"sharing": 1, "smoothing": 1, "similarity": 0.01},
        {"sharing": 9, "smoothing": 150, "falloff": 30},
    ],
)
def test_equals_the_paper_pixel_by_pixel(parameters):
    image, _ = photograph()
    expected, _ = reference.shared_sampling(image, bands(), **parameters)
    np.testing.assert_allclose(
        shared_sampling(image, bands(), **parameters), expected, rtol=0, atol=1e-9
    )


def test_equals_the_paper_where_lines_are_longer_than_the_places_of_an_energy():
    image, _ = photograph(seed=29, shape=(11, 31))
    trimap = bands(image.shape[:2])
    expected, _ = reference.shared_sampling(
        image, trimap, rays=8, sharing=9, exponents=(1, 9, 1, 1)
    )
    alpha = shared_sampling(image, trimap, rays=8, sharing=9, exponents=(1, 9, 1, 1))
    np.testing.assert_allclose(alpha, expected, rtol=0, atol=1e-9)


def test_trust_adds_the_matting_laplacian():
    image, _ = photograph()
    trimap, gamma, epsilon = bands(), 0.3, 1e-4
    start, confidence = reference.shared_sampling(image, trimap)
    L = reference.matting_laplacian(image, epsilon=epsilon, radius=1)
    unknown = ((trimap > 0) & (trimap < 1)).ravel()
    pull = gamma * confidence.ravel()[unknown]
    expected = start.ravel().copy()
    b = pull * start.ravel()[unknown] - L[unknown][:, ~unknown] @ start.ravel()[~unknown]
    expected[unknown] = np.linalg.solve(L[unknown][:, unknown] + np.diag(pull), b)
    alpha = shared_sampling(image, trimap, trust=gamma, epsilon=epsilon)
    np.testing.assert_allclose(alpha.ravel(), np.clip(expected, 0, 1), rtol=0, atol=1e-6)


def test_immense_trust_keeps_the_samples_and_hardly_any_gives_closed_form():
    image, _ = photograph()
    samples = shared_sampling(image, bands())
    np.testing.assert_allclose(shared_sampling(image, bands(), trust=1e7), samples, atol=1e-4)
    closed = alphamat.closed_form(image, bands(), epsilon=1e-4)
    little = shared_sampling(
        image, bands(), trust=1e-9, epsilon=1e-4, solver=partial(direct, rtol=1e-6)
    )
    np.testing.assert_allclose(little, closed, rtol=0, atol=1e-4)


# ---- properties


def test_exchanging_foreground_and_background_gives_the_complement():
    image, _ = photograph()
    even = (3, 2, 2, 2)
    alpha = shared_sampling(image, bands(), exponents=even)
    other = shared_sampling(image, 1 - bands(), exponents=even)
    np.testing.assert_allclose(other, 1 - alpha, rtol=0, atol=1e-9)


def test_is_blind_to_the_order_of_channels():
    image, _ = photograph()
    alpha = shared_sampling(image, bands())
    np.testing.assert_allclose(
        shared_sampling(np.ascontiguousarray(image[..., ::-1]), bands()), alpha, rtol=0, atol=1e-9
    )


def test_finds_alpha_where_two_colours_are_mixed():
    _, alpha = photograph(shape=(43, 61))
    image = alpha[..., None] * [0.9, 0.6, 0.1] + (1 - alpha[..., None]) * [0.1, 0.2, 0.7]
    trimap = np.where(alpha == 1, 1.0, np.where(alpha == 0, 0.0, 0.5))
    assert np.abs(shared_sampling(image, trimap) - alpha).mean() < 0.03


def test_threads_do_not_change_the_result(monkeypatch):
    image, _ = photograph(shape=(60, 90))
    trimap = bands(image.shape[:2])
    monkeypatch.setattr("solvers.loops.threads", lambda work: 1)
    alone = shared_sampling(image, trimap)
    monkeypatch.setattr("solvers.loops.threads", lambda work: 2)
    np.testing.assert_array_equal(shared_sampling(image, trimap), alone)


def test_known_pixels_keep_their_alpha_and_the_rest_lies_between():
    image, _ = photograph()
    for trust in (None, 0.1):
        alpha = shared_sampling(image, bands(), trust=trust)
        known = bands() != 0.5
        np.testing.assert_array_equal(alpha[known], bands()[known])
        assert alpha.min() >= 0
        assert alpha.max() <= 1


def test_expansion_takes_the_label_of_the_nearest_pixel_of_a_similar_colour():
    image = np.full((1, 9, 3), 0.5)
    image[0, 4:] = 0.8
    trimap = as_trimap(np.array([[1, 1, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5, 0]]))
    labels = expand(image, trimap, reach=2, similarity=0.1)
    np.testing.assert_array_equal(labels, [[1, 1, 1, 1, 2, 2, 0, 0, 0]])


@pytest.mark.parametrize(("count", "size"), [(1, 1), (5, 5), (9, 9), (100, 101), (200, 197)])
def test_discs_are_whole_and_of_nearly_the_size_asked_for(count, size):
    offsets = disc(count)
    assert len(offsets) == size
    assert {(y, x) for y, x in offsets} == {(-x, y) for y, x in offsets}


def test_offsets_within_a_radius_come_nearest_first():
    squared = (within(4) ** 2).sum(axis=1)
    assert (np.diff(squared) >= 0).all()
    assert squared[-1] == 16
    assert len(within(4)) == 49


# ---- degenerate pictures


SMALL = 6, 9
TWO = np.full((*SMALL, 3), [0.8, 0.7, 0.1])
TWO[:, 4:] = [0.1, 0.2, 0.3]
every_trimap = pytest.mark.parametrize(
    "trimap", [bands(SMALL, 2), corners(SMALL), bands(SMALL, 4), 1 - corners(SMALL)]
)
every_similarity = pytest.mark.parametrize("similarity", [1e-9, 5 / 256])


@pytest.mark.parametrize(
    "image",
    [TWO, photograph(shape=SMALL)[0], np.zeros((*SMALL, 3))],
    ids=["two colours", "photograph", "black"],
)
@pytest.mark.filterwarnings("ignore:invalid value:RuntimeWarning")  # 0 / 0 where all is black
@every_trimap
@every_similarity
def test_degenerate_pictures_equal_the_paper_pixel_by_pixel(image, trimap, similarity):
    expected, _ = reference.shared_sampling(image, trimap, similarity=similarity, reach=2)
    alpha = shared_sampling(image, trimap, similarity=similarity, reach=2)
    np.testing.assert_allclose(alpha, expected, rtol=0, atol=1e-9)


@every_trimap
@every_similarity
def test_one_colour_takes_one_layer_or_a_half(trimap, similarity):
    """Between equal colours alpha is ½, but rounding may part them: then it is 0 or 1.

    Which of these it is, nothing in the paper says: its equation 5 is 0 / 0 there.
    """
    alpha = shared_sampling(np.full((*SMALL, 3), 0.3), trimap, similarity=similarity, reach=2)
    assert set(np.unique(alpha.round(12))) <= {0, 0.5, 1}
    np.testing.assert_array_equal(alpha[trimap != 0.5], trimap[trimap != 0.5])


def test_a_pixel_whose_rays_miss_takes_the_nearest():
    image, _ = photograph(shape=(9, 11))
    trimap = np.full((9, 11), 0.5)
    trimap[1, 7], trimap[:, 0] = 1, 0
    alpha = shared_sampling(image, trimap, rays=1, similarity=1e-9)
    expected, _ = reference.shared_sampling(image, trimap, rays=1, similarity=1e-9)
    np.testing.assert_allclose(alpha, expected, rtol=0, atol=1e-9)
    assert alpha[1, 8] > 0.5  # it is 0.92


@pytest.mark.parametrize(
    ("trimap", "expected"),
    [([[1, 0]], [[1, 0]]), ([[1], [0]], [[1], [0]]), ([[1, 0.5, 0]], [[1, 0.5, 0]])],
)
def test_tiny_pictures(trimap, expected):
    trimap = np.array(trimap, float)
    image = np.repeat(0.2 + 0.6 * trimap[..., None], 3, axis=2)
    np.testing.assert_allclose(shared_sampling(image, trimap), expected, rtol=0, atol=1e-9)


@pytest.mark.filterwarnings("ignore:overflow:RuntimeWarning")
def test_exponents_that_overflow_still_choose_a_pair():
    image, trimap, exponents = photograph()[0], bands(), (1, 1, 900, 900)
    alpha = shared_sampling(image, trimap, exponents=exponents)
    expected, _ = reference.shared_sampling(image, trimap, exponents=exponents)
    np.testing.assert_allclose(alpha, expected, rtol=0, atol=1e-9)


def test_everything_known_is_returned_as_it_is():
    trimap = (np.arange(H * W).reshape(H, W) % 3 == 0).astype(float)
    image, _ = photograph()
    for trust in (None, 0.1):
        np.testing.assert_array_equal(shared_sampling(image, trimap, trust=trust), trimap)


# ---- refusals


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"reach": 0}, "`reach` is 0; expected a whole number of at least 1"),
        ({"rays": 0}, "`rays` is 0"),
        ({"sharing": -3}, "`sharing` is -3"),
        ({"smoothing": 0}, "`smoothing` is 0"),
        ({"similarity": 0}, "`similarity` is 0; expected a positive number"),
        ({"falloff": np.nan}, "`falloff` is nan"),
        ({"exponents": (1, 2, 3)}, r"`exponents` is \(1, 2, 3\); expected four numbers"),
        ({"exponents": (1, 2, 0, 1)}, r"`exponents\[2\]` is 0"),
        ({"trust": 0}, "`trust` is 0"),
        ({"trust": 0.1, "epsilon": 0}, "`epsilon` is 0"),
        ({"trust": 0.1, "image": np.zeros((2, 9, 3))}, "smaller than one window of 3 × 3"),
        ({"image": np.full((H, W, 3), np.nan)}, "`image` contains NaN"),
        ({"trimap": np.zeros((H, W + 1))}, "they must be of one size"),
        ({"trimap": np.full((H, W), 0.5)}, "`trimap` marks no foreground"),
    ],
)
def test_refuses_with_a_message_that_names_the_argument(arguments, message):
    image = arguments.pop("image", photograph()[0])
    trimap = arguments.pop("trimap", corners(image.shape[:2]))
    with pytest.raises(ValueError, match=message):
        shared_sampling(image, trimap, **arguments)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"rays": 2.5}, "`rays` is 2.5; expected a whole number"),
        ({"similarity": "alike"}, "`similarity` is 'alike'"),
        ({"trust": 0.1, "solver": "cg"}, "`solver` is 'cg'; expected a function"),
    ],
)
def test_refuses_parameters_of_another_type(arguments, message):
    with pytest.raises(TypeError, match=message):
        shared_sampling(photograph()[0], bands(), **arguments)


def test_refuses_pairs_that_no_memory_holds(monkeypatch):
    monkeypatch.setattr("alphamat.memory.physical", lambda: 78_000)
    with pytest.raises(MemoryError, match=r"The pairs of \d+ unknown pixels needs about"):
        shared_sampling(photograph()[0], bands(), similarity=1e-9)


def test_an_unconverged_solve_returns_its_best_and_warns_at_the_users_line():
    solver = partial(cg, preconditioner=multigrid, maxiter=1, rtol=1e-12)
    with pytest.warns(alphamat.ConvergenceWarning, match="after 1 iterations") as caught:
        shared_sampling(photograph()[0], bands(), trust=0.1, solver=solver)
    assert caught[0].filename == __file__


# ---- photographs


def test_is_nearer_to_the_truth_than_pymatting(shared):
    pymatting = pytest.importorskip("pymatting")
    folder = shared / "alphamatting"
    image, trimap, truth = (
        np.asarray(Image.open(folder / part / "GT01.png").convert(mode)) / 255
        for part, mode in (("input", "RGB"), ("trimap1", "L"), ("gt", "L"))
    )
    unknown = (trimap > 0) & (trimap < 1)

    def error(alpha):
        return np.square(alpha - truth)[unknown].mean()

    ours, trusted = (error(shared_sampling(image, trimap, trust=trust)) for trust in (None, 0.1))
    assert trusted < ours < error(pymatting.estimate_alpha_sm(image, trimap))


def test_a_search_beyond_the_picture_is_the_picture():
    image, trimap = photograph()[0], bands()
    far = shared_sampling(image, trimap, reach=10**9, similarity=0.2)
    side = max(trimap.shape)
    assert np.array_equal(shared_sampling(image, trimap, reach=2 * side, similarity=0.2), far)


@pytest.mark.parametrize("options", [{"reach": 3}, {"sharing": 2000, "smoothing": 900}])
def test_offsets_that_lead_out_of_the_picture_do_not_count(options, monkeypatch):
    image, trimap = photograph()[0], bands()
    alpha = shared_sampling(image, trimap, **options)
    monkeypatch.setattr(f"{MODULE}.within", lambda radius, shape=None: within(radius))
    monkeypatch.setattr(f"{MODULE}.disc", lambda count, shape=None: disc(count))
    assert np.array_equal(shared_sampling(image, trimap, **options), alpha)


@pytest.mark.parametrize(
    ("options", "fault"),
    [
        ({"rays": 257}, "`rays` is 257"),
        ({"sharing": 10**7}, "`sharing` is 10000000"),
        ({"smoothing": 10**7}, "`smoothing` is 10000000"),
    ],
)
def test_counts_that_would_take_days_are_refused(options, fault):
    with pytest.raises(ValueError, match=f"{fault}.*; expected at most"):
        shared_sampling(photograph()[0], bands(), **options)
