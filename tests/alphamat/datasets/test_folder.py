import pickle
from functools import partial

import numpy as np
import pytest
from PIL import Image

from alphamat import datasets
from alphamat.trimap import as_trimap, from_alpha


@pytest.fixture
def zoo(put, tmp_path):
    """Two pictures as `folder` expects them."""
    for name in ("lion", "zebra"):
        put(f"image/{name}.jpg")
        put(f"trimap/{name}.png", "L")
        put(f"alpha/{name}.png", "L")
    return tmp_path


def test_is_a_sequence_whose_labels_cost_nothing(zoo):
    dataset = datasets.folder(zoo)
    for file in zoo.rglob("*.*"):
        file.unlink()
    assert len(dataset) == 2
    assert dataset.labels == [("lion", ""), ("zebra", "")]
    assert dataset[1:].labels == [("zebra", "")]
    with pytest.raises(FileNotFoundError, match=r"lion\.png"):
        dataset[0]
    with pytest.raises(IndexError):
        dataset[2]


def test_can_be_pickled(zoo):
    dataset = datasets.folder(zoo, trimap=partial(from_alpha, inner=1))
    again = pickle.loads(pickle.dumps(dataset))
    assert again.labels == dataset.labels
    np.testing.assert_array_equal(again[1].trimap, dataset[1].trimap)


def test_orders_names_by_their_numbers_and_trimaps_as_given(put, tmp_path):
    for name in ("x_10", "x_2", "w"):
        for folder, mode in (("image", "RGB"), ("user", "L"), ("large", "L"), ("alpha", "L")):
            put(f"{folder}/{name}.png", mode)
    labels = datasets.folder(tmp_path, trimap=("user", "large")).labels
    assert labels == [(n, g) for n in ("w", "x_2", "x_10") for g in ("user", "large")]


def test_names_every_missing_and_unfit_file_at_once(zoo, put):
    put("image/gnu.png")
    put("alpha/okapi.png", "L")
    put("trimap/lion.png", pixels=np.zeros((7, 5), np.uint8))
    (zoo / "alpha/zebra.png").write_bytes(b"not an image")
    with pytest.raises(ValueError, match="5 faults") as error:
        datasets.folder(zoo)
    lines = str(error.value).splitlines()[1:]
    expected = [
        f"{zoo}/alpha has no gnu, which {zoo}/image/gnu.png needs",
        f"{zoo}/alpha/zebra.png (12 bytes) is not an image that can be read",
        f"{zoo}/alpha/okapi.png belongs to no image",
        f"{zoo}/trimap has no gnu",
        f"{zoo}/trimap/lion.png is 7 × 5, and {zoo}/image/lion.jpg is 5 × 7",
    ]
    assert len(lines) == len(expected)
    for line, start in zip(lines, expected, strict=True):
        assert line.strip().startswith(start)


def test_passes_over_what_is_no_image(zoo):
    for name in ("image/.DS_Store", "image/._lion.jpg", "alpha/readme.txt", "trimap/Thumbs.db"):
        (zoo / name).write_bytes(b"?")
    assert datasets.folder(zoo).labels == [("lion", ""), ("zebra", "")]


def test_refuses_two_files_of_one_name(zoo, put):
    put("image/lion.png")
    with pytest.raises(ValueError, match=r"1 fault:\n.*lion.png and lion.jpg have the same name"):
        datasets.folder(zoo)


def test_decodes_only_what_is_asked_for(zoo, put):
    """A file cut short has a sound header; only the sample that needs it fails, and names it."""
    put("alpha/zebra.png", pixels=np.tile(np.arange(200, dtype=np.uint8), (300, 1)))
    for name in ("image/zebra.jpg", "trimap/zebra.png"):
        Image.new("L", (200, 300)).save(zoo / name)
    file = zoo / "alpha/zebra.png"
    file.write_bytes(file.read_bytes()[:-40])
    dataset = datasets.folder(zoo)
    assert dataset[0].name == "lion"
    with pytest.raises(ValueError, match=r"zebra\.png is damaged or cut short"):
        dataset[1]


def test_makes_trimaps_of_the_truth(zoo):
    sample = datasets.folder(zoo, trimap=lambda alpha: alpha // 2)[0]
    np.testing.assert_array_equal(sample.trimap, sample.truth // 2)


def test_does_without_trimap_and_truth(zoo):
    sample = datasets.folder(zoo, trimap=None, alpha=None)[0]
    assert sample.trimap is None
    assert sample.truth is None


def test_refuses_to_make_trimaps_of_no_truth(zoo):
    with pytest.raises(ValueError, match="there is no `alpha`"):
        datasets.folder(zoo, trimap=from_alpha, alpha=None)


def test_takes_palettes_equal_channels_opaque_fourths_and_sixteen_bits(zoo, put):
    gray = put("alpha/lion.png", "L")
    put("alpha/lion.png", pixels=np.repeat(gray[..., None], 3, axis=2))
    put("image/zebra.jpg", "L")
    palette = Image.fromarray(gray).convert("P")
    palette.putpalette([level for level in range(256) for _ in range(3)])
    palette.putdata(gray.ravel())
    palette.save(zoo / "trimap/lion.png")
    deep = np.arange(35, dtype=np.uint16).reshape(5, 7) * 1871
    put("alpha/zebra.png", pixels=deep)
    opaque = np.dstack([gray, gray, gray, np.full_like(gray, 255)])
    put("trimap/zebra.png", pixels=opaque)
    lion, zebra = datasets.folder(zoo)
    for plane in (lion.truth, lion.trimap, zebra.trimap):
        np.testing.assert_array_equal(plane, gray)
    np.testing.assert_array_equal(zebra.truth, deep)
    assert zebra.truth.dtype == np.uint16
    assert zebra.image.shape == (5, 7, 3)


def test_refuses_coloured_trimaps_and_transparent_images(zoo, put):
    put("trimap/lion.png")
    put("image/zebra.jpg", "L")
    (zoo / "image/zebra.jpg").unlink()
    put("image/zebra.png", "RGBA")
    dataset = datasets.folder(zoo)
    with pytest.raises(ValueError, match=r"trimap/lion\.png.* has colours"):
        dataset[0]
    with pytest.raises(ValueError, match=r"image/zebra\.png is transparent"):
        dataset[1]


def test_compares_sizes_as_they_are_once_upright(zoo, put):
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.new("RGB", (5, 7)).save(zoo / "image/lion.jpg", exif=exif)
    assert datasets.folder(zoo)[0].image.shape == (5, 7, 3)


def test_refuses_paths_that_are_no_folders(zoo):
    with pytest.raises(FileNotFoundError, match="does not exist; expected the folder"):
        datasets.folder(zoo / "safari")
    with pytest.raises(NotADirectoryError, match="is a file; expected the folder"):
        datasets.aim500(zoo / "image/lion.jpg")
    (zoo / "image/nothing").mkdir()
    with pytest.raises(ValueError, match=r"nothing has no images \(\.png"):
        datasets.folder(zoo, image="image/nothing")


def test_reads_photographs(shared):
    dataset = datasets.folder(
        shared / "alphamatting", image="input", trimap=("trimap1", "trimap2"), alpha="gt"
    )
    assert dataset.labels[:3] == [("GT01", "trimap1"), ("GT01", "trimap2"), ("GT02", "trimap1")]
    fine, coarse = (
        as_trimap(dataset[at].trimap, shape=dataset[at].image.shape[:2]) for at in (6, 7)
    )
    assert fine.unknown.sum() < coarse.unknown.sum()
    sample = dataset[6]
    assert sample.truth.dtype == np.uint8
    # what the trimap says is known, the truth says too
    known = as_trimap(sample.trimap)
    assert (sample.truth[known.foreground] == 255).mean() > 0.95
    assert (sample.truth[known.background] == 0).mean() > 0.95
