"""Clips of pictures: to find, read and name them."""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterator
from fractions import Fraction
from functools import partial
from itertools import pairwise
from pathlib import Path

import numpy as np

from alphamat.door.parameters import as_number
from alphamat.io.folders import SUFFIXES, natural, pictures, raise_faults
from alphamat.io.images import image_size, read_picture
from alphamat.io.picture import Picture, encoded
from alphamat.io.sniff import READABLE
from alphamat.video.frames import Frame, Video

NUMBER = re.compile(r"%(?:0(\d+))?d")
UNREAD = (".dpx", ".cin", ".hdr")
"""Frames of other kinds, which FFmpeg would take for films."""
HASHES = re.compile(r"#+(?!.*#)")


def is_sequence(path: Path) -> bool:
    """Return whether `path` means pictures: a folder, a pattern, or one picture."""
    return path.is_dir() or is_pattern(path) or path.suffix.lower() in (*SUFFIXES, *UNREAD)


def is_pattern(path: Path) -> bool:
    """Return whether `path` is a pattern of names, and not a name itself."""
    patterned = NUMBER.search(path.name) or "##" in path.name or set(path.name) & set("*?")
    return bool(patterned and path.suffix) and not path.exists()


def with_percent(path: Path) -> Path:
    """Return a pattern `shot.####.png` as `shot.%04d.png`; others, and files, as they are."""
    if path.exists():
        return path
    return path.with_name(HASHES.sub(lambda found: f"%0{len(found[0])}d", path.name))


def open_sequence(path: Path, rate: Fraction | None, layer: str | None, exposure: float) -> Video:
    if not path.is_dir() and path.suffix.lower() not in SUFFIXES:
        kind = path.suffix[1:].upper()
        raise ValueError(f"{path}: {kind} pictures are not read; expected {READABLE}.")
    as_number(exposure, "exposure", "stops in [-100, 100]", least=-100, most=100)
    files = _find(with_percent(path))
    if files == [path]:
        _refuse_pages(path)
    return Video(
        path=path,
        read=partial(_read, files, rate, layer, exposure),
        size=image_size(files[0], layer=layer),
        rate=rate,
        count=len(files),
        time_base=None if rate is None else 1 / rate,
    )


def numbered(pattern: Path, number: int) -> Path:
    """Return the name of one picture."""
    name = NUMBER.sub(lambda found: f"{number:0{found[1] or 0}d}", pattern.name)
    return pattern.with_name(name)


def matches(pattern: Path) -> dict[int, Path]:
    """Find the pictures of a pattern such as `shot.%04d.png`, by number."""
    if not pattern.parent.is_dir():
        return {}
    before, _, after = re.split(NUMBER, pattern.name, maxsplit=1)
    name = re.compile(re.escape(before) + r"(\d+)" + re.escape(after))
    found = {}
    for file in pattern.parent.iterdir():
        number = name.fullmatch(file.name)
        if number and numbered(pattern, int(number[1])) == file:
            found[int(number[1])] = file
    return dict(sorted(found.items()))


def _find(path: Path) -> list[Path]:
    if path.is_dir():
        faults: list[str] = []
        files = list(pictures(path, faults).values())
        raise_faults(path, faults)
        return files
    if NUMBER.search(path.name) and not path.exists():
        found = matches(path)
        for number, following in pairwise(found):
            if following > number + 1:
                raise FileNotFoundError(
                    f"{numbered(path, number + 1)} is missing, between {min(found)} and "
                    f"{max(found)}. To leave it out, give the folder, or a pattern with *."
                )
        files = list(found.values())
    elif set(path.name) & set("*?") and not path.exists():
        files = sorted(path.parent.glob(path.name), key=lambda file: natural(file.name))
    elif path.exists():
        files = [path]
    else:
        raise FileNotFoundError(f"{path} does not exist; expected a film or pictures.")
    if not files:
        raise FileNotFoundError(f"no picture has a name like {path}.")
    return files


def _refuse_pages(path: Path) -> None:
    """Raise if a TIFF holds several pictures of one size, since only the first would be read."""
    from PIL import Image

    if path.suffix.lower() not in (".tif", ".tiff"):
        return
    size = image_size(path)  # or what is wrong with the file
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of odd metadata
        with Image.open(path, formats=("PNG", "WEBP", "TIFF", "JPEG", "AVIF")) as picture:
            count = getattr(picture, "n_frames", 1)
            if count == 1 or picture.format != "TIFF":
                return
            first = picture.size
            picture.seek(1)  # in TIFF it may be a thumbnail or a mask
            alike = picture.size == first and not getattr(picture, "tag_v2", {}).get(254)
    if alike:
        raise ValueError(
            f"{path} holds {count} pictures, {size[0]} × {size[1]} (height × width), and only the "
            "first would be read; save them as PNG files in a folder, and name that."
        )


def _read(
    files: list[Path], rate: Fraction | None, layer: str | None, exposure: float
) -> Iterator[Frame]:
    numbers = _numbers(files)
    size = None
    for at, file in enumerate(files):
        picture = read_picture(file, layer=layer)
        image = _levels(picture, exposure)
        size = size or image.shape[:2]
        if image.shape[:2] != size:
            raise ValueError(
                f"{file} is {image.shape[0]} × {image.shape[1]}, and {files[0]} is "
                f"{size[0]} × {size[1]} (height × width); all frames of a clip must be of one size."
            )
        if image.ndim == 2:
            image = np.repeat(image[..., None], 3, axis=2)
        time = None if rate is None else at / rate
        light = None if picture.light is None else picture
        yield Frame(image, time, numbers[at], picture=light)


def _levels(picture: Picture, exposure: float) -> np.ndarray:
    """Return what a picture shows in sRGB, uint8 or uint16; 16 bits of floating point."""
    pixels = picture.pixels
    if picture.light is not None:
        pixels = encoded(pixels, picture.light, exposure)
    elif exposure:
        raise ValueError(f"`exposure` is {exposure:g}, and the frames are not EXR.")
    return pixels if pixels.dtype.kind == "u" else np.rint(65535 * pixels).astype(np.uint16)


def _numbers(files: list[Path]) -> list[int]:
    """Return the last number in each name; or 1, 2, …, if these do not ascend."""
    digits = [re.findall(r"\d+", file.stem)[-1:] for file in files]
    numbers = [int(found[0]) for found in digits if found]
    ascending = all(a < b for a, b in pairwise(numbers))
    counting = len(numbers) == len(files) > 1 and ascending
    return numbers if counting else list(range(1, len(files) + 1))
