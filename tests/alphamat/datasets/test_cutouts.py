import pickle

import numpy as np
import pytest

from alphamat import datasets
from alphamat.io.images import read_image, write_image

MAGENTA = (1.0, 0.0, 1.0)


def over(foreground, alpha, background):
    """Blend by the compositing equation, rounded to the nearest level."""
    alpha = alpha[..., None] / 255
    return np.rint(alpha * foreground + (1 - alpha) * background).astype(np.uint8)


def test_photomatte85_puts_cutouts_before_a_colour(put, tmp_path):
    pixels = put("0051115Q_000001_0003.png", "RGBA")
    (sample,) = datasets.photomatte85(tmp_path, backgrounds=MAGENTA)
    np.testing.assert_array_equal(sample.truth, pixels[..., 3])
    np.testing.assert_array_equal(sample.plate, np.full((5, 7, 3), [255, 0, 255]))
    np.testing.assert_array_equal(sample.image, over(pixels[..., :3], pixels[..., 3], sample.plate))
    assert sample.trimap is None


def test_photomatte85_uses_backgrounds_in_turn(put, tmp_path):
    for at in range(3):
        put(f"cut/{at}.png", "RGBA")
    plates = [
        put(f"plates/{at}.png", pixels=np.full((9, 8, 3), level, np.uint8))
        for at, level in ((2, 30), (10, 200))
    ]
    dataset = datasets.photomatte85(tmp_path / "cut", backgrounds=tmp_path / "plates")
    for at, sample in enumerate(pickle.loads(pickle.dumps(dataset))):
        np.testing.assert_array_equal(sample.plate, plates[at % 2][:5, :7])


def test_videomatte240k_groups_frames_by_clip(put, tmp_path):
    for clip in ("0000", "0001"):
        for frame in ("00000", "00001"):
            put(f"test/fgr/{clip}/{frame}.png")
            put(f"test/pha/{clip}/{frame}.png", "L")
    plates = [put(f"plates/{at}.png") for at in range(2)]
    dataset = datasets.videomatte240k(
        tmp_path, backgrounds=tmp_path / "plates", trimap=np.zeros_like
    )
    assert dataset.labels == [(f, c) for c in ("0000", "0001") for f in ("00000", "00001")]
    for sample in dataset:
        np.testing.assert_array_equal(sample.plate, plates[int(sample.group)])
        assert not sample.trimap.any()


def test_videomatte240k_names_all_frames_that_do_not_match(put, tmp_path):
    put("test/fgr/0000/00000.png")
    put("test/pha/0000/00000.png", pixels=np.zeros((4, 4), np.uint8))
    put("test/fgr/0001/00000.png")
    put("test/fgr/0001/00001.png")
    put("test/pha/0001/00001.png", "L")
    put("test/pha/0002/00000.png", "L")
    with pytest.raises(ValueError, match="3 faults") as error:
        datasets.videomatte240k(tmp_path, backgrounds=MAGENTA)
    for fault in (
        "pha/0000/00000.png is 4 × 4",
        "pha/0001 has no 00000",
        "there is no folder " + str(tmp_path / "test/fgr/0002"),
    ):
        assert fault in str(error.value)


def test_refuses_folders_without_clips(put, tmp_path):
    with pytest.raises(ValueError, match="2 faults"):
        datasets.videomatte240k(tmp_path, backgrounds=MAGENTA)
    for folder in ("fgr", "pha"):
        (tmp_path / "valid" / folder).mkdir(parents=True)
    with pytest.raises(ValueError, match="fgr has no folders of frames"):
        datasets.videomatte240k(tmp_path, split="valid", backgrounds=MAGENTA)
    with pytest.raises(ValueError, match="`split` is 'val'; expected 'train' or 'test' or 'valid'"):
        datasets.videomatte240k(tmp_path, split="val", backgrounds=MAGENTA)


@pytest.mark.parametrize("backgrounds", [0.5, (1.0, 1.0), (255, 255, 255), None])
def test_refuses_what_is_no_background(backgrounds, put, tmp_path):
    put("a.png", "RGBA")
    with pytest.raises(ValueError, match="`backgrounds`"):
        datasets.photomatte85(tmp_path, backgrounds=backgrounds)


def test_names_unreadable_cutouts_and_backgrounds_at_once(put, tmp_path):
    put("cut/a.png", "RGBA")
    for name in ("cut/b.png", "plates/c.jpg"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"?")
    with pytest.raises(ValueError, match=r"2 faults:\n.*b\.png.*\n.*c\.jpg"):
        datasets.photomatte85(tmp_path / "cut", backgrounds=tmp_path / "plates")
    with pytest.raises(ValueError, match="there is no folder"):
        datasets.photomatte85(tmp_path / "cut", backgrounds=tmp_path / "nowhere")


def test_refuses_cutouts_without_alpha_when_they_are_read(put, tmp_path):
    put("a.png", "RGB")
    dataset = datasets.photomatte85(tmp_path, backgrounds=MAGENTA)
    with pytest.raises(ValueError, match=r"a\.png has no alpha channel"):
        dataset[0]


def test_keeps_the_depth_of_a_cutout_but_wants_backgrounds_of_eight_bits(put, tmp_path):
    rng = np.random.default_rng(77)
    for name in ("cut/a.png", "plates/b.png"):
        (tmp_path / name).parent.mkdir()
        write_image(tmp_path / name, rng.random((5, 7, 4 if "cut" in name else 3)), bits=16)
    (sample,) = datasets.photomatte85(tmp_path / "cut", backgrounds=MAGENTA)
    pixels = read_image(tmp_path / "cut/a.png")
    alpha = pixels[..., 3:] / 65535
    expected = alpha * pixels[..., :3] + (1 - alpha) * [65535, 0, 65535]
    assert np.abs(sample.image - expected).max() <= 0.5 + 1e-6
    dataset = datasets.photomatte85(tmp_path / "cut", backgrounds=tmp_path / "plates")
    with pytest.raises(ValueError, match=r"plates/b\.png has 16 bits per channel; expected 8"):
        dataset[0]
