from functools import partial

import numpy as np
import pytest

import alphamat
import solvers
from alphamat.examples import astronaut
from alphamat.foreground import with_opaque
from alphamat.method import Matte
from alphamat.video import (
    Frame,
    alpha_picture,
    composite_picture,
    cutout_picture,
    matte_video,
)

RNG_SEED = 4021


@pytest.fixture
def frames():
    rng = np.random.default_rng(RNG_SEED)
    return [rng.integers(0, 256, (11, 14, 3)).astype(np.uint8) for _ in range(4)]


@pytest.fixture
def trimaps():
    marks = np.full((4, 11, 14), 128, np.uint8)
    marks[:, :3], marks[:, -3:] = 0, 255
    for at, trimap in enumerate(marks):
        trimap[5, at] = 255
    return list(marks)


def levels(image, trimap=None):
    """Alpha that tells which picture and which trimap it was made of."""
    return image[..., 0] / 255 if trimap is None else trimap / 255


def test_each_frame_has_its_trimap(frames, trimaps):
    mattes = list(matte_video(frames, levels, trimaps=trimaps))
    assert len(mattes) == 4
    for matte, trimap in zip(mattes, trimaps, strict=True):
        np.testing.assert_array_equal(matte.alpha, trimap / 255)
        assert matte.foreground is None


def test_classical_methods_work_frame_by_frame(frames, trimaps):
    for matte, frame, trimap in zip(
        matte_video(iter(frames), alphamat.closed_form, trimaps=iter(trimaps)),
        frames,
        trimaps,
        strict=True,
    ):
        np.testing.assert_allclose(matte.alpha, alphamat.closed_form(frame, trimap), atol=1e-5)


@pytest.mark.parametrize("confidence", [None, 100])
def test_solvers_start_where_the_last_frame_ended(frames, trimaps, confidence):
    starts = []

    def watched(A, b, *, x0=None):
        starts.append(x0)
        return solvers.Solution(np.linspace(0.1, 0.9, len(b)), 1, 0.0, True)

    method = partial(alphamat.closed_form, confidence=confidence, solver=watched)
    mattes = list(matte_video(frames, method, trimaps=trimaps))
    assert starts[0] is None
    for matte, start, trimap in zip(mattes, starts[1:], trimaps[1:], strict=False):
        unknowns = trimap == 128 if confidence is None else np.ones(trimap.shape, bool)
        np.testing.assert_array_equal(start, (matte.alpha - (trimap == 255))[unknowns])


def test_a_solver_that_cannot_start_anywhere_is_left_alone(frames, trimaps):
    method = partial(alphamat.closed_form, solver=solvers.direct)
    mattes = list(matte_video(frames, method, trimaps=trimaps))
    assert len(mattes) == 4
    for matte, frame, trimap in zip(mattes, frames, trimaps, strict=True):
        np.testing.assert_array_equal(matte.alpha, method(frame, trimap))


def test_a_frame_like_the_last_takes_no_iterations(trimaps):
    found = []
    ramp = np.broadcast_to(np.linspace(0, 1, 14)[:, None], (11, 14, 3))

    def watched(A, b, *, x0=None):
        found.append(solvers.cg(A, b, x0=x0, rtol=1e-6))
        return found[-1]

    method = partial(alphamat.closed_form, solver=watched)
    list(matte_video([ramp] * 2, method, trimaps=[trimaps[0]] * 2))
    assert found[0].iterations > 3
    assert found[1].iterations == 0


def test_plates_are_aligned_with_frames_of_a_moving_camera():
    scene, _ = astronaut()
    shots = [scene[at : at + 200, 100:400].copy() for at in (100, 104)]
    for shot in shots:
        shot[50:90, 50:90] = 0, 255, 0
    plate = scene[100:300, 100:400]

    def differing(image, trimap=None, *, plate):
        return np.abs(image / 255 - alphamat.as_image(plate)).max(axis=2) > 0.2

    mattes = matte_video(shots, differing, plate=plate, handheld=True)
    for matte in mattes:
        assert matte.alpha[50:90, 50:90].mean() > 0.9
        assert matte.alpha.mean() < 0.06  # of which the square is 0.027
    assert list(matte_video(shots, differing, plate=plate))[1].alpha.mean() > 0.12
    with pytest.raises(ValueError, match="frame 1: `plate` does not fit"):
        list(matte_video(shots, differing, plate=np.zeros_like(plate), handheld=True))


def test_methods_without_trimaps_need_none(frames):
    (matte, *_) = matte_video(frames, levels)
    np.testing.assert_array_equal(matte.alpha, frames[0][..., 0] / 255)


def test_one_trimap_is_carried_on_by_flow(frames, trimaps, monkeypatch):
    seen = []

    def trimap_by_flow(image, previous, alpha):
        seen.append((image, previous))
        return np.rint(255 * np.roll(alpha, 1, axis=1)).astype(np.uint8)

    monkeypatch.setattr("alphamat.video.matting.trimap_by_flow", trimap_by_flow)
    mattes = list(matte_video(iter(frames), levels, trimaps=trimaps[0]))
    for at, matte in enumerate(mattes):
        np.testing.assert_array_equal(matte.alpha, np.roll(trimaps[0], at, axis=1) / 255)
    np.testing.assert_array_equal(seen, list(zip(frames[1:], frames, strict=False)))


class Remembering:
    """A method whose alpha is the number of frames it has seen of a clip."""

    def __init__(self):
        self.clips = 0

    def __call__(self, image, trimap=None, plate=None):
        raise AssertionError("a clip has steps of its own")

    def clip(self):
        self.clips += 1
        count = 0

        def step(image, trimap=None, plate=None):
            nonlocal count
            count += 1
            return Matte(np.full(image.shape[:2], count / 10), image / 255)

        return step


def test_a_method_with_memory_gets_one_for_each_clip(frames):
    method = Remembering()
    for _ in range(2):
        mattes = list(matte_video(frames, method))
        assert [matte.alpha[0, 0] for matte in mattes] == [0.1, 0.2, 0.3, 0.4]
        np.testing.assert_array_equal(mattes[2].foreground, frames[2] / 255)
    assert method.clips == 2


def with_plate(image, trimap=None, plate=None):
    return plate[..., 0] / 255


def test_a_plate_is_one_picture_or_one_for_each_frame(frames):
    still = [matte.alpha for matte in matte_video(frames, with_plate, plate=frames[1])]
    np.testing.assert_array_equal(still, [frames[1][..., 0] / 255] * 4)
    moving = [matte.alpha for matte in matte_video(frames, with_plate, plate=frames[::-1])]
    np.testing.assert_array_equal(moving, [frame[..., 0] / 255 for frame in frames[::-1]])


def test_a_plate_that_a_method_does_not_take_is_refused_at_once(frames):
    with pytest.raises(ValueError, match="`plate` is given, and closed_form takes none"):
        matte_video(frames, alphamat.closed_form, plate=frames[0])


def test_frames_are_taken_one_by_one(frames):
    taken = []

    def watched():
        for at, frame in enumerate(frames):
            taken.append(at)
            yield frame

    mattes = matte_video(watched(), levels)
    assert taken == []
    next(mattes)
    assert taken == [0]


@pytest.mark.parametrize(("trimap", "plate"), [(2, None), (None, 2)])
def test_what_ends_early_is_refused(frames, trimaps, trimap, plate):
    given = {
        "trimaps": None if trimap is None else trimaps[:trimap],
        "plate": None if plate is None else frames[:plate],
    }
    method = levels if plate is None else with_plate
    with pytest.raises(ValueError, match=r"ends before the clip does: there is none for frame 3"):
        list(matte_video(frames, method, **given))


def test_a_refused_frame_is_named(frames, trimaps):
    trimaps[2][:] = 128
    with pytest.raises(ValueError, match="frame 3: `trimap` marks no foreground"):
        list(matte_video(frames, alphamat.closed_form, trimaps=trimaps))
    numbered = [Frame(frame, None, at) for at, frame in enumerate(frames, 1001)]
    with pytest.raises(ValueError, match="frame 1003: `trimap` marks no foreground"):
        list(matte_video(numbered, alphamat.closed_form, trimaps=trimaps))


def test_a_fourth_channel_is_dropped_only_where_it_is_opaque(frames, trimaps):
    opaque = [np.dstack([frame, np.full(frame.shape[:2], 255, np.uint8)]) for frame in frames]
    expected = [matte.alpha for matte in matte_video(frames, levels)]
    np.testing.assert_array_equal([m.alpha for m in matte_video(opaque, levels)], expected)
    opaque[1][0, 0, 3] = 254
    with pytest.raises(ValueError, match="frame 2: `image` has a fourth channel"):
        list(matte_video(opaque, alphamat.closed_form, trimaps=trimaps))


@pytest.mark.parametrize("bits", [8, 16])
def test_pictures_have_the_mattes_colours_or_estimated_ones(frames, trimaps, bits):
    image, full = frames[0], 2**bits - 1
    alpha = alphamat.closed_form(image, trimaps[0])
    known = np.random.default_rng(RNG_SEED).uniform(size=image.shape).astype(np.float32)
    estimated = with_opaque(
        alphamat.estimate_foreground(image, alpha).foreground, image / 255, alpha
    )
    for foreground, colours in ((known, known), (None, estimated)):
        matte = Matte(alpha, foreground)
        picture = cutout_picture(image, matte, bits=bits)
        assert picture.dtype == np.dtype(f"uint{bits}")
        expected = full * alphamat.cutout(colours, alpha)
        assert np.abs(picture - expected).max() <= 0.5 + full * 1e-6
        np.testing.assert_array_equal(alpha_picture(matte, bits=bits), picture[..., 3])


@pytest.mark.parametrize("form", ["colour", "uint8", "uint16", "float"])
def test_a_composite_is_the_librarys(frames, trimaps, form):
    image, behind = frames[:2]
    backdrop = {
        "colour": np.array([0.2, 0.4, 0.9]),
        "uint8": behind,
        "uint16": behind.astype(np.uint16) * 257,
        "float": behind / 255,
    }[form]
    alpha = alphamat.closed_form(image, trimaps[0])
    foreground = alphamat.estimate_foreground(image, alpha).foreground
    foreground = with_opaque(foreground, image / 255, alpha)
    expected = 255 * alphamat.composite(foreground, alpha, backdrop)
    picture = composite_picture(image, Matte(alpha, None), backdrop)
    assert np.abs(picture - expected).max() <= 0.5 + 1e-3


def test_a_backdrop_of_another_size_is_refused(frames):
    matte = Matte(np.zeros((11, 14)), frames[0] / 255)
    with pytest.raises(ValueError, match="`backdrop` is 14 × 11 and the frame is 11 × 14"):
        composite_picture(frames[0], matte, frames[0].swapaxes(0, 1))


@pytest.mark.parametrize(
    ("spoil", "fault", "message"),
    [
        (lambda alpha: (255 * alpha).astype(np.uint8), TypeError, "`alpha` has dtype uint8"),
        (lambda alpha: alpha + np.nan, ValueError, "`alpha` has values from nan to nan"),
        (lambda alpha: 7 * alpha + 1, ValueError, "`alpha` has values from 1.02745 to"),
        (lambda alpha: alpha[:5], ValueError, "`alpha` is 5 × 14 and the frame is 11 × 14"),
        (lambda alpha: alpha[..., None], ValueError, r"`alpha` has shape \(11, 14, 1\)"),
        (lambda alpha: Matte(alpha, alpha), ValueError, r"`foreground` has shape \(11, 14\)"),
    ],
)
def test_what_is_no_matte_is_refused_by_name(frames, spoil, fault, message):
    def method(image):
        return spoil(image[..., 0] / 255)

    with pytest.raises(fault, match=f"frame 1: {message}"):
        list(matte_video(frames, method))
    made = method(frames[0])
    matte = made if isinstance(made, Matte) else Matte(made)
    with pytest.raises(fault, match=message):
        composite_picture(frames[0], matte, np.zeros(3))


def test_pictures_have_8_or_16_bits():
    with pytest.raises(ValueError, match="`bits` is 64; expected 8 or 16"):
        alpha_picture(Matte(np.ones((2, 3))), bits=64)
