import numpy as np
import pytest

from alphamat_deep.training.augment import EASINGS, draw_easing
from alphamat_deep.training.augment.easings import (
    SLOW_AT_START,
    back,
    bounce,
    circular,
    elastic,
    exponential,
    jump,
    linear,
    power,
    sine,
    slow_at_both,
    slow_at_end,
)

TIMES = np.linspace(0, 1, 101)


def test_there_are_30_curves_and_a_jump():
    assert len(EASINGS) == 31
    assert len({tuple(easing(TIMES).round(9)) for easing in EASINGS}) == 31
    assert EASINGS[-1] is jump


@pytest.mark.parametrize("easing", [linear, *EASINGS])
def test_easings_go_from_0_to_1(easing):
    assert np.allclose(easing(TIMES)[[0, -1]], [0, 1], atol=1e-12)
    assert np.isfinite(easing(TIMES)).all()
    assert np.allclose([easing(np.array([time]))[0] for time in TIMES], easing(TIMES))


@pytest.mark.parametrize("curve", SLOW_AT_START)
def test_turned_curves_mirror_each_other(curve):
    assert np.allclose(slow_at_end(curve)(TIMES), 1 - curve(TIMES)[::-1])
    both = slow_at_both(curve)(TIMES)
    assert np.allclose(both, 1 - both[::-1])
    assert np.allclose(both[:51], curve(TIMES[::2]) / 2)


def test_curves_are_penners():
    """Written as Penner has them, with the turned forms of two."""
    t = 0.3
    assert np.isclose(power(5)(t), t**5)
    assert np.isclose(sine(t), np.sin((t - 1) * np.pi / 2) + 1)
    assert np.isclose(circular(t), 1 - np.sqrt(1 - t * t))
    assert np.isclose(exponential(t), 2 ** (10 * (t - 1)))
    assert np.isclose(elastic(t), np.sin(6.5 * np.pi * t) * 2 ** (10 * (t - 1)))
    assert np.isclose(back(t), t**3 - t * np.sin(np.pi * t))
    assert np.isclose(slow_at_end(bounce)(t), 121 * t**2 / 16)
    after = np.sin(-6.5 * np.pi * (t + 1)) * 2 ** (-10 * t) + 1
    assert np.isclose(slow_at_end(elastic)(t), after)


def test_a_ball_bounces_without_a_gap():
    """It touches the ground where two of its parabolas meet."""
    heights = slow_at_end(bounce)(np.array([4 / 11, 8 / 11, 9 / 10]))
    assert np.allclose(heights, 1, atol=1e-9)
    steps = np.diff(bounce(np.linspace(0, 1, 20001)))
    assert abs(steps).max() < 5e-4


def test_one_in_five_is_linear():
    rng = np.random.default_rng(43)
    drawn = [draw_easing(rng) for _ in range(20000)]
    assert abs(drawn.count(linear) / 20000 - 0.2) < 0.01
    others = [drawn.count(easing) / 20000 for easing in EASINGS]
    assert abs(np.array(others) - 0.8 / 31).max() < 0.006
