import numpy as np
import pytest

from alphamat_deep.training.augment import (
    TENSOR_RULES,
    Affine,
    blur_frame,
    frame_numbers,
    gaussian_blur,
    hold,
    motion,
    move,
    move_between,
    random_frame_numbers,
    random_motion,
    random_motion_blur,
    random_motion_jitter,
    random_pause,
)
from tests.alphamat_deep.training.augment.samples import layers, shares, whole


def spy(monkeypatch, name, stand_in):
    monkeypatch.setattr(motion, name, stand_in)


def test_motion_goes_from_one_map_to_another():
    clip = whole(3, frames=5)
    start, end = Affine(3, 2, 1, 0.9, 4), Affine(-5, -3, 4, 1.1, 0)
    moved = move_between(clip, start, end, np.square)
    for at, share in enumerate(np.square([0, 0.25, 0.5, 0.75, 1])):
        between = Affine(*(a + share * (b - a) for a, b in zip(start, end, strict=True)))
        frame = {name: pixels[at] for name, pixels in clip.items()}
        expected = move(frame, between.matrix(47, 61), 47, 61)
        assert all(np.allclose(moved[name][at], expected[name], atol=1e-3) for name in clip)


def test_a_clip_of_one_frame_stands_at_the_start():
    clip = layers(3, frames=1)
    moved = move_between(clip, Affine(right=2), Affine(right=9), np.square)
    assert np.array_equal(moved["alpha"][0, :, 2:], clip["alpha"][0, :, :-2])


def test_motion_draws_rvms_ranges(monkeypatch):
    found = []
    spy(monkeypatch, "move_between", lambda sample, start, end, easing: found.append((start, end)))
    rng, clip = np.random.default_rng(9), layers(3, height=100, width=200, frames=1)
    for _ in range(1000):
        random_motion(clip, rng)
    drawn = np.reshape(found, (-1, 5))
    low, high = np.array([[-10, -20, -10, 0.9, -5], [10, 20, 10, 1.1, 5]])
    assert (drawn >= low).all()
    assert (drawn <= high).all()
    assert abs(drawn.std(axis=0) / (high - low) - 1 / np.sqrt(12)).max() < 0.02
    assert abs(np.corrcoef(np.reshape(found, (-1, 10)).T)[0, 5]) < 0.1


def test_jitter_follows_an_easing_and_keeps_the_authors_slip(monkeypatch):
    frames = []
    spy(monkeypatch, "apply_jitter", lambda pixels, jitter: frames.append(jitter) or pixels)
    clip = layers(3, height=2, width=2, frames=4)
    changes = []
    for seed in range(300):
        frames.clear()
        random_motion_jitter(clip, np.random.default_rng(seed), probability=1)
        amounts = np.array([[dict(one)[rule] for rule in TENSOR_RULES] for one in frames])
        assert [rule for rule, _ in frames[0]] == list(TENSOR_RULES)
        assert np.array_equal(amounts[:, 0], amounts[:, 2])  # saturation as brightness
        changes.append(amounts[0])
    first = np.array(changes)
    # At the start of an easing every amount is its first state, sigma 0.1 and a tenth for the hue.
    assert np.allclose(first.mean(axis=0), [1, 1, 1, 0], atol=0.02)
    assert np.allclose(first.std(axis=0), [0.1, 0.1, 0.1, 0.01], rtol=0.15)


def test_jitter_changes_what_is_named_alike():
    clip = layers(3, frames=3)
    clip["background"] = clip["foreground"]
    new = random_motion_jitter(
        clip, np.random.default_rng(1), names=("foreground", "background"), probability=1
    )
    assert np.array_equal(new["foreground"], new["background"])
    assert not np.array_equal(new["foreground"], clip["foreground"])


@pytest.mark.parametrize(("sigma", "size"), [(0.9, 1), (1, 3), (1.9, 3), (2.2, 5), (7.6, 15)])
def test_kernels_are_cut_at_sigma(sigma, size):
    pixels = layers(3)["foreground"]
    expected = pixels if size == 1 else gaussian_blur(pixels, size, sigma=sigma)
    assert abs(blur_frame(pixels, sigma) - expected).max() < 1e-6


def test_blur_is_of_all_layers_or_those_named(monkeypatch):
    clip, sigmas = whole(3, frames=3), []
    spy(monkeypatch, "blur_frame", lambda pixels, sigma: sigmas.append(sigma) or pixels)
    random_motion_blur(clip, np.random.default_rng(2), probability=1)
    assert len(sigmas) == 9
    assert sigmas[:3] == sigmas[3:6] == sigmas[6:]
    sigmas.clear()
    for seed in range(300):
        rng = np.random.default_rng(seed)
        random_motion_blur(clip, rng, names=("background",), probability=1)
    ends = np.reshape(sigmas, (-1, 3))[:, [0, 2]]
    assert ends.min() >= 0
    assert ends.max() <= 10
    assert abs(ends.mean() - 5) < 0.5
    found = shares(lambda rng: random_motion_blur(clip, rng) is not clip, 20000)
    assert abs(found[True] - 0.02 / 3) < 0.002


def test_a_held_frame_replaces_those_after_it():
    clip = layers(3, frames=6)
    held = hold(clip, 2, 3)
    assert np.array_equal(held["alpha"], clip["alpha"][[0, 1, 2, 2, 2, 5]])
    assert np.array_equal(hold(clip, 2, 0)["alpha"], clip["alpha"])


def test_pauses_hold_any_frame_but_the_last(monkeypatch):
    found = []
    spy(monkeypatch, "hold", lambda sample, frame, length: found.append((frame, length)))
    rng, clip = np.random.default_rng(3), layers(3, height=2, width=2, frames=5)
    for _ in range(4000):
        random_pause(clip, rng, probability=1)
    assert set(found) == {(frame, length) for frame in range(4) for length in range(5 - frame)}
    starts = np.bincount([frame for frame, _ in found]) / 4000
    assert abs(starts - 0.25).max() < 0.03
    assert random_pause(layers(3, frames=1), rng, probability=1)["alpha"].shape[0] == 1


def test_frames_are_taken_faster_later_or_backwards():
    assert frame_numbers(4) == [0, 1, 2, 3]
    assert frame_numbers(4, speed=3, shift=2) == [2, 5, 8, 11]
    assert frame_numbers(5, speed=0.5, backwards=True) == [2, 1, 1, 0, 0]


def test_frame_numbers_are_drawn_uniformly():
    rng = np.random.default_rng(4)
    drawn = [random_frame_numbers(8, rng) for _ in range(6000)]
    backwards = [one[0] > one[-1] for one in drawn]
    assert abs(np.mean(backwards) - 0.5) < 0.03
    shifts = np.array([min(one) for one in drawn])
    assert abs(np.bincount(shifts) / 6000 - 1 / 8).max() < 0.02
    spans = [max(one) - min(one) for one in drawn]
    assert {span: abs(spans.count(span) / 6000 - 1 / 6) < 0.03 for span in spans} == dict.fromkeys(
        [int(7 * speed) for speed in (0.5, 1, 2, 3, 4, 5)], True
    )
