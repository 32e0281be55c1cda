"""HEIF and AVIF files, written by the libraries that read them."""

from io import BytesIO

import numpy as np
import pytest
from PIL import Image

from alphamat.io import image_size, read_image, read_picture
from tests.alphamat.io.writers import profile, refusal


def ramp(dtype=np.uint8, shape=(48, 64)):
    full = np.iinfo(dtype).max
    y, x = np.mgrid[: shape[0], : shape[1]]
    channels = [x * (full // shape[1]), y * (full // shape[0]), np.full(shape, full // 2)]
    return np.stack(channels, axis=2).astype(dtype)


def avif(pixels, **options):
    file = BytesIO()
    Image.fromarray(pixels).save(file, "AVIF", quality=100, subsampling="4:4:4", **options)
    return file


def heif(pixels, mode, **options):
    library, file = pytest.importorskip("pillow_heif"), BytesIO()
    height, width = pixels.shape[:2]
    picture = library.from_bytes(mode, (width, height), pixels.tobytes())
    picture.save(file, quality=-1, chroma=444, **options)
    return file


def test_avif_is_read():
    pixels = ramp()
    assert np.abs(read_image(avif(pixels)).astype(int) - pixels).max() <= 4
    clear = np.dstack([pixels, pixels[..., 0]])
    back = read_image(avif(clear))
    assert back.shape == clear.shape
    assert np.abs(back[..., 3].astype(int) - clear[..., 3]).max() <= 4


@pytest.mark.parametrize(("orientation", "turn"), [(3, 2), (6, -1), (8, 1)])
def test_avif_is_turned_as_it_says(orientation, turn):
    exif = Image.Exif()
    exif[0x0112] = orientation
    file, expected = avif(ramp(), exif=exif), np.rot90(ramp(), turn)
    assert image_size(file) == expected.shape[:2]
    assert np.abs(read_image(file).astype(int) - expected).max() <= 4


def test_avif_of_ten_bits_is_not_cut_to_eight():
    whole = avif(ramp()).getvalue()
    at = whole.index(b"av1C") + 6  # the flags of the depth
    deep = whole[:at] + bytes([whole[at] | 0x40]) + whole[at + 1 :]
    with pytest.raises(ValueError, match="AVIF of 10 bits, of which Pillow keeps 8"):
        read_image(BytesIO(deep))


@pytest.mark.parametrize(("mode", "dtype"), [("RGB", np.uint8), ("RGB;16", np.uint16)])
def test_heif_keeps_its_bits(mode, dtype):
    pixels = ramp(dtype)
    back = read_image(heif(pixels, mode))
    assert back.dtype == dtype
    steps = 2 if dtype == np.uint8 else 3 * 64  # of 10 bits
    assert np.abs(back.astype(int) - pixels).max() <= steps


def test_white_of_ten_bits_is_white():
    white = read_image(heif(np.full((48, 64, 3), 65535, np.uint16), "RGB;16"))
    assert (white == 65535).all()


def test_heif_is_turned_as_it_says():
    pixels, exif = ramp(), Image.Exif()
    exif[0x0112] = 6  # which becomes the box irot
    turned = read_image(heif(pixels, "RGB", exif=exif.tobytes()))
    assert turned.shape == (64, 48, 3)
    assert np.abs(turned.astype(int) - np.rot90(pixels, -1)).max() <= 2


def test_heif_gives_its_profile_and_alpha():
    library, file = pytest.importorskip("pillow_heif"), BytesIO()
    clear = np.dstack([ramp(), ramp()[..., 0]])
    picture = library.from_bytes("RGBA", (64, 48), clear.tobytes())
    picture.info["icc_profile"], picture.info["icc_profile_type"] = profile(), "prof"
    picture.save(file, quality=-1, chroma=444)
    found = read_picture(file)
    assert found.profile == profile()
    assert np.abs(found.pixels[..., 3].astype(int) - clear[..., 3]).max() <= 2


@pytest.mark.parametrize("kind", ["AVIF", "HEIF"])
def test_damage_gives_one_error_that_names_the_file(tmp_path, kind):
    whole = (avif(ramp()) if kind == "AVIF" else heif(ramp(), "RGB")).getvalue()
    rng, refused = np.random.default_rng(43), 0
    for at in range(40):
        damaged = np.frombuffer(whole, np.uint8).copy()
        damaged[rng.integers(12, len(whole) if at % 2 else 400, 3)] = rng.integers(0, 256, 3)
        (tmp_path / "a").write_bytes(
            damaged.tobytes() if at % 3 else whole[: rng.integers(40, len(whole))]
        )
        message = refusal(tmp_path / "a")
        refused += message is not None
        assert message is None or message.startswith(str(tmp_path / "a"))
    assert refused > 10


def test_a_missing_library_is_named(tmp_path, monkeypatch):
    (tmp_path / "a.heic").write_bytes(heif(ramp(), "RGB").getvalue())
    monkeypatch.setitem(__import__("sys").modules, "pillow_heif", None)
    with pytest.raises(ImportError, match=r"a\.heic: HEIC files .*alphamat\[heif\]"):
        read_image(tmp_path / "a.heic")
