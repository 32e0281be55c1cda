import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from alphamat import metrics
from alphamat.metrics import METRICS
from alphamat.metrics import _kernels as _metrics_kernels
from tests import reference

VECTORS = Path(__file__).parent / "vectors"
EXPECTED = json.loads((VECTORS / "vectors.json").read_text())["cases"]
NAMES = list(METRICS)
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


def test_scores_have_a_field_for_each_metric_in_their_order():
    assert metrics.Scores._fields == tuple(METRICS)
    rng = np.random.default_rng(33)
    alpha, truth = (smooth(rng, 17, 12) for _ in range(2))
    by_table = [metric.function(alpha, truth) for metric in METRICS.values()]
    assert metrics.all(alpha, truth) == tuple(by_table)


@pytest.mark.parametrize("name", METRICS)
def test_a_metrics_name_is_its_functions_and_its_title_in_capitals(name):
    assert METRICS[name].function is getattr(metrics, name)
    assert METRICS[name].title.lower() == name


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
