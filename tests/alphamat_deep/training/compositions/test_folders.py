import numpy as np
import pytest

import alphamat
from alphamat import datasets
from alphamat_deep.training.compositions import (
    clips,
    composed,
    cutouts,
    estimated,
    listed,
    photographs,
    plates,
)

CHANNELS = {"L": (), "RGB": (3,), "RGBA": (4,)}


@pytest.fixture
def put(tmp_path):
    """Return a function that writes small images below `tmp_path`, and returns their pixels."""
    rng = np.random.default_rng(404)

    def put(name, mode="RGB", shape=(5, 7)):
        pixels = rng.integers(0, 256, (*shape, *CHANNELS[mode]), dtype=np.uint8)
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        alphamat.write_image(tmp_path / name, pixels)
        return pixels

    return put


def names(source):
    return [entry.name for entry in source]


def test_cutouts_are_rgba_or_pairs(put, tmp_path):
    whole = put("rgba/cat.png", "RGBA")
    put("fg/cat_2.png")
    put("fg/cat_10.png", "RGBA")  # its own alpha is not the one given
    put("alpha/cat_2.tif", "L")
    alpha = put("alpha/cat_10.png", "L")
    (entry,) = cutouts(tmp_path / "rgba")
    layers = entry.read()
    np.testing.assert_array_equal(np.rint(255 * layers["foreground"]), whole[..., :3])
    np.testing.assert_array_equal(np.rint(255 * layers["alpha"][..., 0]), whole[..., 3])
    pair = cutouts(tmp_path / "fg", tmp_path / "alpha")
    assert names(pair) == ["cat_2", "cat_10"]
    layers = pair[1].read()
    assert layers["foreground"].shape == (5, 7, 3)
    np.testing.assert_array_equal(np.rint(255 * layers["alpha"][..., 0]), alpha)
    assert len(pair + cutouts(tmp_path / "rgba")) == 3


def test_says_in_one_error_what_is_wrong_with_folders(put, tmp_path):
    (tmp_path / "empty").mkdir()
    put("fg/a.png")
    put("fg/b.png")
    put("wrong/c.png", "L")
    for name in "ab":
        put(f"small/{name}.png", "L", (4, 7))
    fg = tmp_path / "fg"
    for given, told in [
        ((tmp_path / "empty",), "has no images"),
        ((fg,), "no picture has an alpha channel"),
        ((fg, tmp_path / "nowhere"), "there is no folder"),
        ((fg, tmp_path / "empty"), "has no images"),
        ((fg, tmp_path / "wrong"), r"no file has the name.*fg/a\.png, .*wrong/c\.png"),
        ((fg, tmp_path / "small"), r"2 faults:\n.*a\.png is 4 × 7.*5 × 7.*\n.*b\.png"),
    ]:
        with pytest.raises(ValueError, match=told):
            cutouts(*given)
    with pytest.raises(FileNotFoundError, match="nowhere does not exist"):
        cutouts(tmp_path / "nowhere")


@pytest.mark.parametrize("content", [b"", b"a text, and no picture", b"\x89PNG\r\n\x1a\n cut"])
def test_names_damaged_files_once_and_leaves_them_out(content, put, tmp_path):
    for name in ("fg/a.png", "fg/b.png", "fg/c.png", "fg/d.png"):
        put(name)
    for name in ("alpha/a.png", "alpha/b.png", "alpha/c.png"):
        put(name, "L")
    (tmp_path / "fg/a.png").write_bytes(content)
    (tmp_path / "alpha/b.png").write_bytes(content)
    with pytest.warns(UserWarning, match="Not all of") as told:
        source = cutouts(tmp_path / "fg", tmp_path / "alpha")
    assert names(source) == ["c"]
    (text,) = (str(warning.message) for warning in told)
    for name in ("fg/a.png", "alpha/b.png", "has no d, which"):
        assert text.count(name) == 1
    assert told[0].filename == __file__


def test_refuses_a_folder_of_which_nothing_is_left(put, tmp_path):
    (tmp_path / "fg").mkdir()
    (tmp_path / "fg/a.png").write_bytes(b"?")
    with pytest.raises(ValueError, match=r"a\.png(.|\n)*nothing is left"):
        cutouts(tmp_path / "fg")


def test_leaves_out_cutouts_without_alpha(put, tmp_path):
    put("a.png", "RGBA")
    put("b.png", "RGB")
    with pytest.warns(UserWarning, match=r"b\.png has no alpha channel") as told:
        assert names(cutouts(tmp_path)) == ["a"]
    assert told[0].filename == __file__


def test_finds_pictures_composed_before_by_their_foreground(put, tmp_path):
    for at in range(2):
        put(f"merged/cat_{at}.png")
        put(f"behind/cat_{at}.png", shape=(6, 9))
    put("alpha/cat.png", "L")
    put("fg/cat.png")
    source = composed(
        tmp_path,
        image="merged",
        foreground="fg",
        background="behind",
        foreground_of=lambda name: name.rpartition("_")[0],
    )
    assert names(source) == ["cat", "cat"]
    layers = source[1].read()
    assert {key: x.shape for key, x in layers.items()} == {
        "image": (5, 7, 3),
        "alpha": (5, 7, 1),
        "foreground": (5, 7, 3),
        "background": (6, 9, 3),
    }


def test_reads_lists_of_foregrounds_and_backgrounds(put, tmp_path):
    for name in ("a", "b"):
        put(f"train/fg/{name}.png")
        put(f"train/alpha/{name}.png", "L")
    put("bg/hill.png", shape=(9, 8))
    (tmp_path / "train.txt").write_text("train/fg/a.png bg/hill.png\n\ntrain/fg/b.png\n")
    first, second = listed(tmp_path)
    (tmp_path / "odd.txt").write_text("bg/hill.png\n")
    with pytest.raises(ValueError, match=r"odd\.txt names bg/hill\.png, which is in no folder"):
        listed(tmp_path, "odd.txt")
    assert (first.name, second.name) == ("train/fg/a", "train/fg/b")
    assert sorted(first.read()) == ["alpha", "background", "foreground"]
    assert sorted(second.read()) == ["alpha", "image"]


def test_cuts_clips_into_sequences(put, tmp_path):
    for clip, length in (("0000", 7), ("0001", 2)):
        for frame in range(length):
            put(f"fgr/{clip}/{frame:05}.png")
            put(f"pha/{clip}/{frame:05}.png", "L")
    last = put("fgr/0000/00005.png")
    put("fgr/0000/extra.png")
    with pytest.warns(UserWarning, match="Not all of") as told:
        source = clips(tmp_path / "fgr", tmp_path / "pha", frames=3)
    assert "0000 has frames without a partner, 1 of them" in str(told[0].message)
    assert "0001 has 2 frames, fewer than 3" in str(told[0].message)
    assert names(source) == ["0000", "0000"]
    layers = source[1].read()
    assert layers["alpha"].shape == (3, 5, 7, 1)
    np.testing.assert_array_equal(np.rint(255 * layers["foreground"][2]), last)
    with pytest.warns(UserWarning, match="without a partner"):
        stills = clips(tmp_path / "fgr", tmp_path / "pha", frames=None)
    assert names(stills) == 7 * ["0000"] + 2 * ["0001"]
    assert stills[0].read()["alpha"].shape == (5, 7, 1)
    put("pha/0000/00000.png", "L", (4, 4))
    with pytest.raises(ValueError, match="is 4 × 4"):
        clips(tmp_path / "fgr", tmp_path / "pha", frames=3)


def test_backgrounds_are_stills_or_sequences(put, tmp_path):
    for frame in range(4):
        put(f"plates/sea/{frame}.png", shape=(6, 9))
        put(f"plates/{frame}.png")
    assert plates(tmp_path / "plates")[3].read()["background"].shape == (5, 7, 3)
    assert plates(tmp_path / "plates", frames=2)[1].read()["background"].shape == (2, 6, 9, 3)


def test_data_sets_are_sources(put, tmp_path):
    put("image/cat_1.png")
    put("alpha/cat_1.png", "L")
    put("trimap/cat_1.png", "L")
    (entry,) = photographs(
        datasets.folder(tmp_path), foreground_of=lambda name, group: name.rpartition("_")[0]
    )
    assert entry.name == "cat"
    layers = entry.read()
    assert sorted(layers) == ["alpha", "image", "trimap"]
    assert set(np.unique(layers["trimap"])) <= {0, 0.5, 1}


def test_estimated_layers_make_up_the_photograph():
    (entry,) = estimated(photographs(datasets.synthetic(32, 48)[:1]))
    layers = entry.read()
    assert layers["foreground"].dtype == layers["background"].dtype == np.float32
    image = layers["alpha"] * layers["foreground"] + (1 - layers["alpha"]) * layers["background"]
    assert np.abs(image - layers["image"]).mean() < 0.01
