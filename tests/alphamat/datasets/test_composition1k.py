import math

import numpy as np
import pytest
from PIL import Image

from alphamat import datasets
from alphamat.io.images import read_image, write_image

LAYERS = "Adobe-licensed images"


@pytest.fixture
def archive(put, tmp_path):
    """Two foregrounds, and 40 backgrounds in an order of their own."""
    backgrounds = [f"2007_{7 * at % 41:06}.png" for at in range(1, 41)]
    for name in ("pear.png", "apple.png"):
        put(f"{LAYERS}/fg/{name}")
        put(f"{LAYERS}/alpha/{name}", "L")
    for name in backgrounds:
        put(f"voc/{name}", pixels=put("scratch.png")[:3, :5])
    (tmp_path / "test_fg_names.txt").write_bytes(b"pear.png\r\napple.png\r\n")
    (tmp_path / "test_bg_names.txt").write_text("\n".join(backgrounds))
    return tmp_path


def script(foreground, alpha, background):
    """Compose pixel by pixel, as the script of the data set is described."""
    height, width = alpha.shape
    picture = Image.fromarray(background)
    ratio = max(width / picture.width, height / picture.height)
    if ratio > 1:
        size = math.ceil(picture.width * ratio), math.ceil(picture.height * ratio)
        picture = picture.resize(size, Image.BICUBIC)
    result = np.array(picture.crop((0, 0, width, height)))
    for y in range(height):
        for x in range(width):
            a = int(alpha[y, x]) / 255
            for c in range(3):
                front, behind = int(foreground[y, x, c]), int(result[y, x, c])
                result[y, x, c] = front if a >= 1 else int(a * front + (1 - a) * behind)
    return result


def test_composes_in_the_official_order_by_the_official_arithmetic(archive):
    datasets.compose_composition1k(archive, archive / "voc")
    assert len(list((archive / "merged").iterdir())) == 40
    behind = (archive / "test_bg_names.txt").read_text().split()
    for first, name in enumerate(("pear", "apple")):
        foreground = read_image(archive / f"{LAYERS}/fg/{name}.png")
        alpha = read_image(archive / f"{LAYERS}/alpha/{name}.png")
        for at in (0, 1, 19):
            background = read_image(archive / "voc" / behind[20 * first + at])
            np.testing.assert_array_equal(
                read_image(archive / f"merged/{name}_{at}.png"),
                script(foreground, alpha, background),
            )


def test_reads_what_it_composed(archive, put):
    for name in ("pear", "apple"):
        for at in range(20):
            put(f"{LAYERS}/trimaps/{name}_{at}.png", "L")
    datasets.compose_composition1k(archive, archive / "voc")
    dataset = datasets.composition1k(archive)
    assert [name for name, _ in dataset.labels] == [
        f"{name}_{at}" for name in ("apple", "pear") for at in range(20)
    ]
    np.testing.assert_array_equal(
        dataset[23].truth, read_image(archive / f"{LAYERS}/alpha/pear.png")
    )
    (archive / "merged/pear_3.png").unlink()
    with pytest.raises(ValueError, match=r"1 fault:\n.*trimaps/pear_3\.png belongs to no image"):
        datasets.composition1k(archive)


def test_reads_an_alpha_for_each_picture(put, tmp_path):
    put("merged/pear_0.png")
    put("trimaps/pear_0.png", "L")
    alpha = put("alpha_copy/pear_0.png", "L")
    (sample,) = datasets.composition1k(tmp_path, trimap="trimaps", alpha="alpha_copy")
    np.testing.assert_array_equal(sample.truth, alpha)


def test_names_all_faults_and_writes_nothing(archive, put):
    (archive / f"{LAYERS}/fg/pear.png").unlink()
    (archive / "voc/2007_000007.png").unlink()
    (archive / "voc/2007_000014.png").write_bytes(b"?")
    put(f"{LAYERS}/alpha/apple.png", pixels=np.zeros((7, 5), np.uint8))
    with pytest.raises(ValueError, match="4 faults") as error:
        datasets.compose_composition1k(archive, archive / "voc")
    for fault in (
        "fg/pear.png does not exist",
        "alpha/apple.png is 7 × 5",
        "2007_000007.png does not exist",
        "2007_000014.png (1 bytes) is not an image",
    ):
        assert fault in str(error.value)
    assert not (archive / "merged").exists()


def test_refuses_lists_that_do_not_fit(archive, put, tmp_path):
    names = archive / "test_bg_names.txt"
    names.write_text("\n".join(names.read_text().split()[:39]))
    with pytest.raises(ValueError, match="has 39 names; expected 40, 20 for each foreground"):
        datasets.compose_composition1k(archive, archive / "voc")
    names.unlink()
    with pytest.raises(ValueError, match=r"there is no file .*test_bg_names\.txt"):
        datasets.compose_composition1k(archive, archive / "voc")
    with pytest.raises(FileNotFoundError, match="coco does not exist"):
        datasets.compose_composition1k(archive, archive / "coco")


def test_refuses_sixteen_bits(archive, put):
    put(f"{LAYERS}/alpha/pear.png", pixels=np.zeros((5, 7), np.uint16))
    with pytest.raises(ValueError, match=r"alpha/pear\.png has 16 bits per channel; expected 8"):
        datasets.compose_composition1k(archive, archive / "voc")
    write_image(archive / f"{LAYERS}/fg/pear.png", np.zeros((5, 7, 3)), bits=16)
    with pytest.raises(ValueError, match=r"fg/pear\.png has 16 bits per channel; expected 8"):
        datasets.compose_composition1k(archive, archive / "voc")


def test_ignores_the_fourth_channel_of_a_foreground(archive, put):
    pixels = put(f"{LAYERS}/fg/pear.png", "RGBA")
    datasets.compose_composition1k(archive, archive / "voc", output=archive / "new/pictures")
    alpha = read_image(archive / f"{LAYERS}/alpha/pear.png")
    picture = read_image(archive / "new/pictures/pear_0.png")
    opaque = alpha == 255
    np.testing.assert_array_equal(picture[opaque], pixels[opaque][:, :3])
    assert picture.shape == (5, 7, 3)


def test_reads_samples_of_the_data_set(shared):
    dataset = datasets.composition1k(
        shared / "composition1k_samples", image="image", trimap="trimap", alpha="alpha"
    )
    assert [name.rpartition("_")[2] for name, _ in dataset.labels] == ["12", "1", "11"]
    sample = dataset[0]
    assert sample.trimap.shape == sample.truth.shape == sample.image.shape[:2]
