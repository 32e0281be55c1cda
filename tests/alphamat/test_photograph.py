"""From a photograph to a cut-out."""

import pickle
from functools import partial

import numpy as np
import pytest

import alphamat
from alphamat import cutout_photo, examples, progress
from alphamat.foreground import Layers
from alphamat.method import Matte
from alphamat.photograph import Cutout, DoubtfulError
from alphamat.segmentation import Segmentation, at, grab_cut, largest

HEIGHT, WIDTH = 44, 61
BOX = (8, 5, 40, 38)


@pytest.fixture
def mask():
    """Two objects; the left one is larger."""
    mask = np.zeros((HEIGHT, WIDTH), bool)
    mask[10:33, 13:35] = mask[15:25, 46:56] = True
    return mask


@pytest.fixture
def image(mask):
    colours = np.where(mask[..., None], (0.9, 0.3, 0.1), (0.1, 0.5, 0.2))
    noise = np.random.default_rng(17).normal(0, 0.02, colours.shape)
    return np.clip(colours + noise, 0, 1)


@pytest.fixture
def cut(mask):
    """A cut with quick stages."""
    return partial(cutout_photo, segment=lambda image: mask, matte=hard)


def hard(image, trimap):
    return trimap / 255.0


def test_a_box_gives_a_cut_out(image):
    found = cutout_photo(image, box=BOX, matte=alphamat.closed_form)
    assert isinstance(found, Cutout)
    assert np.array_equal(found.rgba, np.dstack([found.foreground, found.alpha]))
    assert found.alpha[20, 25] == 1
    assert found.alpha[20, 50] == found.alpha[2, 2] == 0
    assert found.trimap.dtype == np.uint8
    assert set(np.unique(found.trimap)) == {0, 128, 255}
    assert found.segmentation is not None
    assert np.array_equal(found.segmentation.foreground, grab_cut(image, box=BOX).foreground)


def test_the_library_decides_how_where_nothing_is_said(image, monkeypatch):
    found = cutout_photo(image, box=BOX)
    assert found.alpha[20, 25] == 1
    np.testing.assert_array_equal(found.alpha, alphamat.learned(image, found.trimap))
    np.testing.assert_array_equal(
        found.foreground, alphamat.estimate_foreground(image, found.alpha).foreground
    )


def test_a_trimap_is_taken_as_it_is(image, mask):
    trimap = alphamat.trimap.from_mask(mask, inner=2, outer=2)

    def never(*arguments):
        raise AssertionError

    found = cutout_photo(image, trimap=trimap, segment=never, make_trimap=never, matte=hard)
    assert found.segmentation is None
    assert np.array_equal(found.trimap, trimap)


def test_a_trimap_of_any_depth_will_do(image, mask, cut):
    trimap = alphamat.trimap.from_mask(mask, inner=2, outer=2)
    found = cut(image, trimap=trimap / 255.0)
    assert np.array_equal(found.trimap, trimap)


@pytest.mark.parametrize("as_found", [np.asarray, np.float32, lambda mask: 255 * mask.astype("u1")])
def test_any_function_that_gives_a_mask_segments(image, mask, as_found):
    found = cutout_photo(image, segment=lambda image: as_found(mask), matte=hard)
    assert found.segmentation is not None
    assert np.array_equal(found.segmentation.foreground, mask)
    assert found.segmentation.doubt == 0


def test_the_box_goes_to_a_function_that_takes_one(image, mask):
    asked = {}

    def segment(image, box=None, **others):
        asked.update(others, box=box)
        return mask

    events = []
    with progress.listening(events.append):
        cutout_photo(image, box=BOX, segment=segment, matte=hard)
    assert asked == {"box": BOX}
    assert [event.text for event in events] == ["finding the foreground"]


def test_the_box_is_refused_by_a_function_that_takes_none(image, cut):
    with pytest.raises(ValueError, match=r"`box` is given, and <lambda> takes none\."):
        cut(image, box=BOX)


def test_a_trimap_and_a_box_are_refused(image, cut):
    with pytest.raises(ValueError, match=r"`trimap` and `box` are both given"):
        cut(image, trimap=np.zeros((HEIGHT, WIDTH)), box=BOX)


def test_each_stage_can_be_another(image, mask, cut):
    found = cut(
        image,
        make_trimap=lambda image, foreground: np.where(foreground > 0.5, 255, 0).astype(np.uint8),
        layers=lambda image, alpha: Layers(0.5 * image, image),
    )
    assert np.array_equal(found.alpha, mask)
    assert np.array_equal(found.foreground, 0.5 * image)


def test_a_method_that_knows_the_foreground_is_believed(image, cut):
    def matte(image, trimap):
        return Matte(np.float32(trimap / 255), np.float32(0.25 * image))

    found = cut(image, matte=matte)
    assert found.foreground.dtype == found.alpha.dtype == np.float64
    np.testing.assert_allclose(found.foreground, 0.25 * image, atol=1e-6)


@pytest.mark.parametrize(
    ("keep", "left", "right"),
    [(None, True, True), (largest, True, False), (partial(at, x=50, y=20), False, True)],
    ids=["all", "largest", "at"],
)
@pytest.mark.parametrize("drawn", [False, True], ids=["segmented", "drawn"])
def test_one_object_may_be_kept(image, mask, cut, keep, left, right, drawn):
    trimap = alphamat.trimap.from_mask(mask, inner=1, outer=1) if drawn else None
    found = cut(image, trimap=trimap, keep=keep)
    assert (found.trimap[20, 25] == 255) == left
    assert (found.trimap[20, 50] == 255) == right
    assert (found.trimap[:, 41:].any(), found.trimap[:, :38].any()) == (right, left)


def test_what_is_soft_stays_soft_where_it_is_kept(image, mask):
    soft = np.where(mask, 1.0, 0.0)
    soft[9, 13:35] = soft[14, 46:56] = 0.4
    found = cutout_photo(image, segment=lambda image: soft, matte=hard, keep=largest)
    assert found.segmentation is not None
    assert (found.segmentation.foreground[9, 13:35] == 0.4).all()
    assert (found.segmentation.foreground[14, 46:56] == 0).all()


def test_what_keep_adds_is_foreground(image, cut):
    def filled(mask):
        return mask | (np.arange(WIDTH) < 5)

    assert (cut(image, keep=filled).segmentation.foreground[:, :5] == 1).all()


@pytest.mark.parametrize(
    ("keep", "words"),
    [
        (
            lambda mask: mask.astype(float),
            r"`keep` returned an array of shape .* and dtype float64",
        ),
        (lambda mask: mask[1:], r"`keep` returned an array of shape \(43, 61\)"),
        (np.zeros_like, r"`keep` keeps nothing"),
    ],
)
def test_a_wrong_keep_is_refused(image, cut, keep, words):
    with pytest.raises(ValueError, match=words):
        cut(image, keep=keep)


def test_doubt_is_raised_with_what_was_found(image, mask):
    found = Segmentation(mask.astype(float), 0.6, "It is all blue.")
    cut = partial(cutout_photo, image, segment=lambda image: found, matte=hard)
    with pytest.raises(
        DoubtfulError, match=r"the foreground: It is all blue\. Draw a box"
    ) as error:
        cut()
    assert error.value.segmentation is found
    assert str(pickle.loads(pickle.dumps(error.value))) == str(error.value)
    assert cut(doubt=0.6).segmentation is found


def test_without_a_person_a_photograph_is_doubted(image):
    with pytest.raises(DoubtfulError, match=r"I see no face"):
        cutout_photo(image)


@pytest.mark.parametrize(
    ("wrong", "error", "words"),
    [
        ({"doubt": 2}, ValueError, r"`doubt` is 2"),
        ({"segment": lambda image: image}, ValueError, r"`segment\(image\)` has colours"),
        ({"segment": lambda image: image[1:, :, 0]}, ValueError, r"is 43 × 61 and the image"),
        ({"segment": lambda image: np.nan * image[..., 0]}, ValueError, r"NaN"),
        ({"segment": lambda image: None}, TypeError, r"`segment\(image\)` has dtype object"),
        ({"segment": lambda image: 0 * image[..., 0]}, ValueError, r"leaves no foreground"),
        ({"trimap": np.zeros((9, 9), np.uint8)}, ValueError, r"`trimap` is 9 × 9"),
    ],
)
def test_what_is_wrong_is_said(image, cut, wrong, error, words):
    with pytest.raises(error, match=words):
        cut(image, **wrong)


@pytest.mark.parametrize("shape", [(1, 1), (1, 1, 3), (30, 40)])
def test_a_picture_of_nothing_is_doubted(shape):
    with pytest.raises(DoubtfulError):
        cutout_photo(np.zeros(shape))


@pytest.mark.slow
def test_a_portrait_needs_no_hand():
    image, trimap = examples.astronaut()
    found = cutout_photo(image)
    assert found.alpha[trimap == 0].mean() < 0.2
    face = found.alpha[60:160, 180:260]
    assert face.mean() > 0.97
