import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from alphamat import metrics
from alphamat.metrics import _kernels as _metrics_kernels
from tests import reference

VECTORS = Path(__file__).parent / "vectors"
EXPECTED = json.loads((VECTORS / "vectors.json").read_text())["cases"]
NAMES = metrics.Scores._fields
REAL = [
    "dim_boy",
    "dim_boy_binarised",
    "dim_dandelion",
    "dim_spring",
    "dim_spring_att95",
    "lemur_fba_vs_alpha",
    "lemur_pymatting_cf",
    "lemur_trimap102_to_128",
]

# Levels on and beside the thresholds, so that ties, jumps and plateaus are common.
LEVELS = [0, 25, 26, 50, 51, 76, 77, 102, 128, 153, 178, 179, 191, 204, 230, 254, 255]
SIZES = st.tuples(st.integers(1, 9), st.integers(1, 11))


def planes(levels=LEVELS, count=2):
    """Return a strategy for so many uint8 planes of one odd size."""
    of = st.sampled_from(levels)
    return SIZES.flatmap(lambda size: st.tuples(*[arrays(np.uint8, size, elements=of)] * count))


def smooth(rng, height, width):
    """Return a plane with parts of many levels, as uint8."""
    y, x = np.mgrid[:height, :width]
    waves = [np.sin(a * y + b * x + c) for a, b, c in rng.uniform(0.1, 0.9, size=(4, 3))]
    return np.rint(255 * np.clip(np.mean(waves, axis=0) + 0.5, 0, 1)).astype(np.uint8)


def raw(scores):
    """Return scores as the vectors have them."""
    return {
        "sad": scores.sad,
        "mse": scores.mse,
        "grad_raw": 1000 * scores.grad,
        "conn_raw": 1000 * scores.conn,
    }


def assert_meets(scores, expected):
    for kind, rtol, atol in (("float64", 1e-9, 1e-12), ("official", 2e-5, 1e-7)):
        for name, value in expected[kind].items():
            if value is None:
                assert kind == "official" or np.isnan(raw(scores)[name])
            elif name in raw(scores):
                assert raw(scores)[name] == pytest.approx(value, rel=rtol, abs=atol), (kind, name)


@pytest.mark.parametrize("case", EXPECTED)
def test_equals_the_evaluation_code_of_deep_image_matting(case):
    stored = np.load(VECTORS / "synthetic.npz")
    inputs = [stored[f"{case}__{part}"] for part in ("pred", "gt", "trimap")]
    assert_meets(metrics.all(*inputs), EXPECTED[case])
    assert_meets(metrics.all(*[levels / 255 for levels in inputs]), EXPECTED[case])


@pytest.mark.slow
@pytest.mark.parametrize("case", REAL)
def test_equals_the_evaluation_code_on_photographs(case, shared):
    folder = shared.parent / "metrics"
    if not folder.is_dir():
        pytest.skip("the predictions in ../shared/metrics are not here")
    stored = np.load(folder / "real.npz")
    vectors = json.loads((folder / "vectors.json").read_text())["vectors"]
    expected = next(vector for vector in vectors if vector["case"] == case)
    inputs = [stored[f"{case}__{part}"] for part in ("pred", "gt", "trimap")]
    assert_meets(metrics.all(*inputs), expected)


@settings(max_examples=150, deadline=None)
@given(planes(count=3))
def test_conn_is_the_definition(drawn):
    alpha, truth, trimap = drawn
    unknown = (trimap > 0) & (trimap < 255)
    expected = reference.connectivity_error(alpha, truth, unknown) / 1000
    assert metrics.conn(alpha, truth, trimap) == pytest.approx(expected, abs=1e-14)
    assert metrics.conn(alpha / 255, truth / 255, trimap) == pytest.approx(expected, abs=1e-14)


@pytest.mark.parametrize("seed", range(41, 47))
def test_conn_is_the_definition_on_winding_parts(seed):
    rng = np.random.default_rng(seed)
    alpha = smooth(rng, 53, 41)
    truth = np.maximum(alpha, smooth(rng, 53, 41)) if seed % 2 else smooth(rng, 53, 41)
    expected = reference.connectivity_error(alpha, truth, np.ones(alpha.shape, bool)) / 1000
    assert metrics.conn(alpha, truth) == pytest.approx(expected, rel=1e-12)


@settings(max_examples=60, deadline=None)
@given(planes(count=3))
def test_grad_is_the_definition(drawn):
    alpha, truth, trimap = drawn
    unknown = (trimap > 0) & (trimap < 255)
    expected = reference.gradient_error(alpha / 255, truth / 255, unknown) / 1000
    assert metrics.grad(alpha, truth, trimap) == pytest.approx(expected, rel=1e-9, abs=1e-15)


@settings(max_examples=40, deadline=None)
@given(planes(count=3))
def test_alpha_and_truth_may_be_exchanged(drawn):
    alpha, truth, trimap = drawn
    there, back = metrics.all(alpha, truth, trimap), metrics.all(truth, alpha, trimap)
    assert there == pytest.approx(back, rel=1e-12, abs=1e-15, nan_ok=True)


@settings(max_examples=40, deadline=None)
@given(planes(count=1))
def test_nothing_is_wrong_with_the_truth(drawn):
    assert metrics.all(drawn[0], drawn[0]) == (0, 0, 0, 0, 0)


@settings(max_examples=40, deadline=None)
@given(planes(count=2))
def test_turning_a_picture_over_changes_no_score(drawn):
    scores = metrics.all(*drawn)
    turned = metrics.all(*[plane[::-1, ::-1] for plane in drawn])
    # which of several largest components counts depends on the way up
    assert turned._replace(conn=0) == pytest.approx(scores._replace(conn=0), rel=1e-12, abs=1e-15)
    flat = metrics.all(*[plane.T for plane in drawn])
    assert flat._replace(conn=0) == pytest.approx(scores._replace(conn=0), rel=1e-12, abs=1e-15)


@settings(max_examples=40, deadline=None)
@given(planes(count=2), st.randoms(use_true_random=False))
def test_sums_over_two_regions_add_up(drawn, random):
    alpha, truth = drawn
    split = np.array([random.random() < 0.4 for _ in range(alpha.size)]).reshape(alpha.shape)
    inside, outside, whole = (
        metrics.all(alpha, truth, region)
        for region in (np.where(split, 0.5, 0.0), np.where(split, 1.0, 0.5), None)
    )
    for name in ("sad", "grad", "conn"):
        total = getattr(inside, name) + getattr(outside, name)
        assert total == pytest.approx(getattr(whole, name), rel=1e-12, abs=1e-15)


@settings(max_examples=40, deadline=None)
@given(planes(levels=range(256), count=3))
def test_dtypes_that_hold_the_same_levels_score_the_same(drawn):
    as_uint8 = metrics.all(*drawn)
    for other in (
        [plane / 255 for plane in drawn],
        [plane.astype(np.uint16) * 257 for plane in drawn],
        [np.asfortranarray(plane) for plane in drawn],
        [np.repeat(plane[..., None], 3, axis=2) for plane in drawn],
    ):
        assert metrics.all(*other) == pytest.approx(as_uint8, rel=1e-12, nan_ok=True)


def test_one_pixel_by_hand():
    alpha, truth = np.array([[204]], np.uint8), np.array([[102]], np.uint8)
    scores = metrics.all(alpha, truth)
    assert scores.sad == pytest.approx(0.4 / 1000)
    assert scores.mse == pytest.approx(0.16)
    assert scores.mad == pytest.approx(0.4)
    assert scores.grad == 0  # both are constant
    assert scores.conn == pytest.approx(0.4 / 1000)  # connected up to 0.4, and 0.4 above that


def test_conn_by_hand():
    # Two parts at 0.5, of which the left one is larger; at 1, one pixel of the right one is.
    alpha = np.array([[0.5, 0.5, 0.5, 0, 0.5, 1]])
    truth = np.array([[0.5, 0.5, 0.7, 0, 0.5, 1]])
    # So l is 0.5 on the left and 0 on the right, and only the 0.2 in the third pixel are missing.
    assert metrics.conn(alpha, truth) == pytest.approx(0.2 / 1000)
    # The same 0.2 on the right are an error of their own size too: 0.7 against 0.5, above 0.
    truth = np.array([[0.5, 0.5, 0.5, 0, 0.7, 1]])
    assert metrics.conn(alpha, truth) == pytest.approx(0.2 / 1000)
    # A difference of 0.1 does not count on the left, just above l; on the right, 0.6 and 0.5 do.
    truth = np.array([[0.6, 0.5, 0.5, 0, 0.6, 1]])
    assert metrics.conn(alpha, truth) == pytest.approx(0.1 / 1000)


@pytest.mark.parametrize("k", range(1, 11))
def test_thresholds_are_reached_by_what_is_equal_and_by_nothing_less(k):
    truth, equal = np.ones((1, 1)), np.full((1, 1), k / 10)
    for alpha, connected in ((equal, k), (np.nextafter(equal, 0), k - 1)):
        reached = np.zeros((1, 1), np.uint8)
        _metrics_kernels.count_steps(alpha, truth, reached)
        assert reached == connected
        missing = (10 - connected) / 10  # of the truth; of the alpha, less than 0.15
        assert metrics.conn(alpha, truth) == pytest.approx(missing / 1000 * (missing >= 0.15))


def test_where_no_pixel_reaches_a_level_none_is_connected():
    truth = np.array([[0.3, 0.9, 1.0]])
    assert metrics.conn(np.zeros((1, 3)), truth) == pytest.approx(2.2 / 1000)


def test_of_two_largest_parts_the_first_column_counts():
    # One part begins at the right of the first row, the other lower down in the first column.
    truth = np.array([[0, 0, 1], [0, 0, 1], [1, 0, 0], [1, 0, 0]])
    left, right = ((truth == 1) & (np.arange(3) == column) for column in (0, 2))
    # So l is 0.1 on the left, 0 on the right, where 0.1 do not count.
    alpha = 0.1 * truth
    assert metrics.conn(alpha, truth.astype(float), left / 2) == pytest.approx(2 * 0.9 / 1000)
    assert metrics.conn(alpha, truth.astype(float), right / 2) == pytest.approx(2 * 1.0 / 1000)


def test_unknown_is_what_lies_strictly_between():
    alpha, truth = np.zeros((1, 6), np.uint8), np.full((1, 6), 255, np.uint8)
    trimap = np.array([[0, 1, 102, 128, 254, 255]], np.uint8)
    assert metrics.sad(alpha, truth, trimap) == 4 / 1000
    assert metrics.sad(alpha, truth, trimap / 255) == 4 / 1000
    assert metrics.sad(alpha, truth) == 6 / 1000


def test_a_trimap_need_not_have_known_pixels():
    alpha, truth = np.zeros((3, 5)), np.ones((3, 5))
    everywhere = metrics.all(alpha, truth, np.full((3, 5), 128, np.uint8))
    assert everywhere == metrics.all(alpha, truth)


def test_without_unknown_pixels_sums_are_zero_and_means_undefined():
    scores = metrics.all(np.zeros((3, 5)), np.ones((3, 5)), np.ones((3, 5)))
    assert scores._replace(mse=0, mad=0) == (0, 0, 0, 0, 0)
    assert np.isnan(scores.mse)
    assert np.isnan(scores.mad)


def test_what_a_prediction_says_of_known_pixels_has_a_part_in_grad_and_conn():
    rng = np.random.default_rng(8)
    truth = smooth(rng, 23, 30)
    alpha, trimap = truth.copy(), np.zeros(truth.shape)
    alpha[:, :4], trimap[:, 4:15] = 255 - truth[:, :4], 0.5
    scores = metrics.all(alpha, truth, trimap)
    assert scores.sad == scores.mse == scores.mad == 0
    assert scores.grad > 0


def test_quantising_rounds_both_to_levels_of_8_bits():
    rng = np.random.default_rng(19)
    alpha, truth = rng.uniform(size=(2, 11, 14))
    rounded = [np.rint(255 * plane).astype(np.uint8) for plane in (alpha, truth)]
    for name in NAMES:
        metric = getattr(metrics, name)
        assert metric(alpha, truth, quantise=True) == pytest.approx(metric(*rounded), rel=1e-12)
        assert metric(alpha, truth) != metric(*rounded)
        assert metric(*rounded, quantise=True) == pytest.approx(metric(*rounded), rel=1e-12)
    assert metrics.all(alpha, truth, quantise=True) == metrics.all(*rounded, quantise=True)


def test_all_is_each_by_its_name():
    rng = np.random.default_rng(27)
    alpha, truth, trimap = (smooth(rng, 17, 12) for _ in range(3))
    scores = metrics.all(alpha, truth, trimap)
    assert scores == tuple(getattr(metrics, name)(alpha, truth, trimap) for name in NAMES)
    assert len(set(scores)) == 5
    assert scores.mad == pytest.approx(1000 * scores.sad / np.sum((trimap > 0) & (trimap < 255)))


def test_inputs_are_left_as_they_are():
    rng = np.random.default_rng(4)
    inputs = rng.uniform(size=(3, 11, 14))
    before = inputs.copy()
    inputs.setflags(write=False)
    metrics.all(*inputs)
    np.testing.assert_array_equal(inputs, before)


@pytest.mark.parametrize("name", [*NAMES, "all"])
@pytest.mark.parametrize(
    ("fault", "error", "message"),
    [
        ({"alpha": np.ones((3, 4))}, ValueError, "`alpha` is 3 × 4 and `truth` is 5 × 6"),
        ({"trimap": np.ones((6, 5))}, ValueError, "`trimap` is 6 × 5 and `truth` is 5 × 6"),
        ({"alpha": np.full((5, 6), np.nan)}, ValueError, "`alpha` contains NaN"),
        ({"truth": np.full((5, 6), 255.0)}, ValueError, "`truth` has values from 255 to 255"),
        ({"truth": np.ones((5, 6), bool)}, TypeError, "`truth` has dtype bool"),
        ({"alpha": np.ones((5, 6), int)}, TypeError, "`alpha` has dtype int64"),
        ({"trimap": np.ones((5, 6), bool)}, TypeError, "`trimap` has dtype bool"),
        ({"alpha": np.ones(30)}, ValueError, r"`alpha` has shape \(30,\)"),
        ({"alpha": np.eye(3)[:, None]}, ValueError, "`alpha` has colours"),
        ({"truth": np.ones((0, 6))}, ValueError, "`truth` is empty"),
        ({"truth": "truth.png"}, TypeError, "`truth` is the path"),
    ],
)
def test_nonsense_is_refused_by_name(name, fault, error, message):
    given = {"alpha": np.ones((5, 6)), "truth": np.ones((5, 6)), "trimap": np.ones((5, 6))} | fault
    with pytest.raises(error, match=message):
        getattr(metrics, name)(**given)


def clip(seed, frames=4, size=(7, 9)):
    return np.random.default_rng(seed).uniform(size=(frames, *size))


def test_dtssd_is_the_definition():
    alphas, truths, trimaps = clip(61), clip(62), np.rint(2 * clip(63)) / 2
    roots = []
    for t in range(3):
        change = (alphas[t + 1] - alphas[t]) - (truths[t + 1] - truths[t])
        roots.append(np.sqrt(np.mean(change[trimaps[t] == 0.5] ** 2)))
    assert metrics.dtssd(alphas, truths, trimaps) == pytest.approx(100 * np.mean(roots), rel=1e-12)


def test_mean_temporal_error_is_the_definition():
    alphas, truths, trimaps = clip(64), clip(65), np.rint(2 * clip(66)) / 2
    flow = np.random.default_rng(67).integers(-3, 4, size=(3, 7, 9, 2))
    means = []
    for t in range(3):
        changes = []
        for y, x in np.argwhere(trimaps[t] == 0.5):
            v = flow[t, y, x]
            q = y + v[1], x + v[0]
            if 0 <= q[0] < 7 and 0 <= q[1] < 9:
                here = (alphas[t, y, x] - truths[t, y, x]) ** 2
                changes.append(abs(here - (alphas[t + 1][q] - truths[t + 1][q]) ** 2))
        means.append(np.mean(changes))
    found = metrics.mean_temporal_error(alphas, truths, trimaps, flow=flow)
    assert found == pytest.approx(np.mean(means), rel=1e-12)


@pytest.mark.parametrize("metric", [metrics.dtssd, metrics.mean_temporal_error])
def test_an_error_that_stays_is_no_flicker(metric):
    truths = 0.5 * clip(71)
    assert metric(truths + 0.25, truths) == pytest.approx(0, abs=1e-12)
    assert metric(truths, truths) == 0
    flicker = truths + np.array([0, 0.1, 0, 0.1])[:, None, None]
    assert metric(flicker, truths) == pytest.approx(10 if metric is metrics.dtssd else 0.01)


def test_an_error_that_moves_along_is_forgiven_with_its_flow():
    error = clip(72, frames=1)[0]
    alphas = np.stack([np.roll(error, t, axis=1) for t in range(3)])
    flow = np.zeros((2, 7, 9, 2))
    flow[..., 0] = 1
    truths = np.zeros_like(alphas)
    assert metrics.mean_temporal_error(alphas, truths, flow=flow) == pytest.approx(0, abs=1e-12)
    assert metrics.mean_temporal_error(alphas, truths, flow=0 * flow) > 0.01
    assert metrics.mean_temporal_error(alphas, truths, flow=0 * flow) == pytest.approx(
        metrics.mean_temporal_error(alphas, truths)
    )


def test_between_pixels_errors_are_interpolated():
    alphas = np.zeros((2, 1, 3))
    alphas[1] = [[0, 0.4, 0.8]]
    flow = np.full((1, 1, 3, 2), [0.5, 0])
    # at 0.5, 1.5 and outside
    expected = (0.2**2 + 0.6**2) / 2
    found = metrics.mean_temporal_error(alphas, np.zeros((2, 1, 3)), flow=flow)
    assert found == pytest.approx(expected)
    flow[0, 0, 0, 1] = np.nan
    found = metrics.mean_temporal_error(alphas, np.zeros((2, 1, 3)), flow=flow)
    assert found == pytest.approx(0.6**2)


@pytest.mark.parametrize("metric", [metrics.dtssd, metrics.mean_temporal_error])
def test_pairs_without_unknown_pixels_are_left_out(metric):
    alphas, truths = clip(73), clip(74)
    trimaps = np.full(alphas.shape, 0.5)
    trimaps[2] = 1
    pairs = [metric(alphas[t : t + 2], truths[t : t + 2]) for t in (0, 1)]
    assert metric(alphas, truths, trimaps) == pytest.approx(np.mean(pairs))
    assert np.isnan(metric(alphas, truths, np.ones(alphas.shape)))


@pytest.mark.parametrize("metric", [metrics.dtssd, metrics.mean_temporal_error])
def test_clips_may_be_lists_of_frames_of_8_bits(metric):
    alphas, truths = (np.rint(255 * clip(seed)).astype(np.uint8) for seed in (75, 76))
    expected = metric(alphas / 255, truths / 255)
    assert metric(list(alphas), list(truths)) == pytest.approx(expected)
    assert metric(clip(75), clip(76), quantise=True) == pytest.approx(expected)


@pytest.mark.parametrize("metric", [metrics.dtssd, metrics.mean_temporal_error])
@pytest.mark.parametrize(
    ("clips", "message"),
    [
        ((clip(1, 1), clip(2, 1)), "`truths` has 1 frames; expected at least 2"),
        (([], []), "`truths` has 0 frames"),
        ((clip(1, 3), clip(2)), "`alphas` has 3 frames and `truths` has 4"),
        ((clip(1), clip(2), clip(3, 5)), "`trimaps` has 5 frames and `truths` has 4"),
        ((clip(1, size=(7, 8)), clip(2)), r"`alphas\[0\]` is 7 × 8 and `truths\[0\]` is 7 × 9"),
        (([*clip(1, 1), *clip(1, 1, (3, 2))],) * 2, r"`truths\[1\]` is 3 × 2 and `truths\[0\]`"),
        ((clip(1)[0], clip(2)[0]), r"`alphas\[0\]` has shape \(9,\)"),
        ((clip(1) * [[np.nan]], clip(2)), r"`alphas\[0\]` contains NaN"),
    ],
)
def test_nonsense_clips_are_refused_by_name(metric, clips, message):
    with pytest.raises(ValueError, match=message):
        metric(*clips)


@pytest.mark.parametrize(
    ("flow", "message"),
    [
        (np.zeros((4, 7, 9, 2)), "`flow` has 4 fields for 4 frames"),
        (np.zeros((3, 9, 7, 2)), r"`flow\[0\]` has shape \(9, 7, 2\); expected \(7, 9, 2\)"),
    ],
)
def test_flow_must_fit(flow, message):
    with pytest.raises(ValueError, match=message):
        metrics.mean_temporal_error(clip(1), clip(2), flow=flow)
