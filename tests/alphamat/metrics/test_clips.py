import numpy as np
import pytest

from alphamat import metrics


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


@pytest.mark.parametrize("name", ["alphas", "truths", "trimaps", "flow"])
def test_frames_that_are_no_sequence_are_refused_by_name(name):
    frames = dict.fromkeys(["alphas", "truths"], np.zeros((3, 7, 9))) | {name: 5}
    with pytest.raises(TypeError, match=f"`{name}` is 5; expected a sequence of frames"):
        metrics.mean_temporal_error(**frames)


def test_flow_that_is_no_numbers_is_refused_by_name():
    frames = np.zeros((2, 7, 9))
    with pytest.raises(TypeError, match=r"`flow\[0\]` has dtype <U1; expected real numbers"):
        metrics.mean_temporal_error(frames, frames, flow=np.full((1, 7, 9, 2), "a"))
