from io import BytesIO

import numpy as np
import pytest
from PIL import Image

from alphamat.io.images import read_image
from alphamat.io.sniff import format_of, other_kind


def saved(format, **options):
    file = BytesIO()
    Image.new("RGB", (14, 11)).save(file, format, **options)
    return file.getvalue()


@pytest.mark.parametrize("format", ["PNG", "JPEG", "TIFF", "WEBP", "AVIF"])
def test_what_is_read_is_known(format):
    assert format_of(saved(format)) == format


@pytest.mark.parametrize(
    ("head", "format"),
    [
        (b"v/1\x01\x02\0\0\0", "EXR"),
        (b"\0\0\0\x18ftypheic\0\0\0\0mif1heic", "HEIF"),
        (b"\0\0\0\x1cftypmif1\0\0\0\0mif1avifmiaf", "AVIF"),
    ],
)
def test_what_other_libraries_read_is_known(head, format):
    assert format_of(head) == format


@pytest.mark.parametrize(
    ("format", "kind"),
    [
        ("GIF", "GIF"),
        ("BMP", "BMP"),
        ("ICO", "ICO"),
        ("PPM", "PNM"),
        ("PDF", "PDF"),
        ("EPS", "PostScript"),
        ("DDS", "DDS"),
        ("QOI", "QOI"),
        ("JPEG2000", "JPEG 2000"),
    ],
)
def test_what_pillow_writes_and_is_not_read_is_named(format, kind):
    with pytest.raises(ValueError, match=f"is {kind}, which .*; expected PNG, JPEG, TIFF, WebP"):
        read_image(BytesIO(saved(format)))


@pytest.mark.parametrize(
    ("head", "message"),
    [
        (b"SDPX\0\0\x20\0V2.0", "DPX, which is not read"),
        (b"\0\0\0\x18ftypcrx \0\0\0\1crx isom", "CR3, camera raw, which has to be developed"),
        (b"II*\0\x10\0\0\0CR\2\0" + bytes(50), "CR2, camera raw, which has to be developed"),
        (b"IIRO\x08\0\0\0", "ORF, camera raw"),
        (b"FUJIFILMCCD-RAW 0201", "RAF, camera raw"),
        (b"\0\0\0\x14ftypqt  \0\0\0\0qt  ", "a film, which is not read"),
        (b"\x1a\x45\xdf\xa3\x9f", "a film, which is not read"),
        (b"8BPS\0\1", "PSD, which is not read"),
        (b'<?xml version="1.0"?>\n<!-- made by hand -->\n<svg xmlns=""/>', "SVG, which has to be"),
        (b"<!DOCTYPE html>\n<html><head>", "a web page, not the image"),
        (b"version https://git-lfs.github.com/spec/v1\n", "a pointer of Git LFS, not the image"),
        (b"\x93NUMPY\1\0v\0", "a NumPy array, which numpy.load reads"),
        (b"", "empty; expected a whole PNG"),
        (b"RIFF\0\0\0\0WAVEfmt ", r"not an image that can be read; expected a whole PNG"),
    ],
)
def test_other_files_are_named(tmp_path, head, message):
    (tmp_path / "photo.jpg").write_bytes(head)
    with pytest.raises(ValueError, match=rf"photo\.jpg .*is {message}"):
        read_image(tmp_path / "photo.jpg")


def test_noise_is_of_no_kind():
    rng = np.random.default_rng(7)
    assert not any(other_kind(rng.bytes(512)) for _ in range(300))
