"""OpenEXR files: scene-linear light, in half or single precision.

"OpenEXR File Layout" and "Technical Introduction to OpenEXR", Academy Software Foundation 2024.
OpenEXR's own library reads and writes them.
"""

from __future__ import annotations

import contextlib
import io
import os
import threading
from collections.abc import Iterator
from functools import partial
from types import ModuleType
from typing import Any, NamedTuple

import numpy as np

from alphamat import memory
from alphamat.extras import not_installed
from alphamat.io.primaries import of_chromaticities
from alphamat.io.stored import Light, Refusal, Stored

COLOURS = ("R", "G", "B")
ALONE = ("Y", "A")  # what may be a plane by itself: luminance, and alpha
MOST_NAMED = 20  # layers that a message lists
LARGEST_HALF = 65504.0
_quiet = threading.Lock()


class Plane(NamedTuple):
    """Some channels of a part, which make up a picture."""

    part: int
    channels: tuple[str, ...]
    """R, G and B or one, and then alpha, if there is one."""


def openexr() -> ModuleType:
    """Import OpenEXR's library, or say what to install."""
    try:
        import OpenEXR
    except ImportError:
        raise not_installed("EXR files are read and written by OpenEXR", "exr") from None
    return OpenEXR


def open_exr(file: Any, layer: str | None) -> Stored:
    """Read all of an EXR file but its pixels, and find the channels of a layer."""
    parts = _parts(file, header_only=True)
    headers = [part.header for part in parts]
    found = _plane(headers, layer)
    header = headers[found.part]
    _refuse_other_channels(header, found)
    (left, top), (right, bottom) = (corner.tolist() for corner in header["displayWindow"])
    size = bottom - top + 1, right - left + 1
    if min(size) < 1:
        raise Refusal("is damaged: its display window has no size")
    light = Light(
        tuple(round(x, 6) for x in header.get("chromaticities", Light().chromaticities)),
        float(header.get("pixelAspectRatio", 1.0)),
    )
    try:
        of_chromaticities(light.chromaticities)
    except ValueError as fault:
        raise Refusal(f"is damaged: its {str(fault)[:-1]}") from None
    return Stored(size, 1, None, partial(_decode, file, found, headers), light)


def encode_exr(values: np.ndarray, dtype: np.dtype, light: Light) -> bytes:
    """Return the EXR file of gray, RGB or RGBA light, float16 or float32; its alpha is straight."""
    library = openexr()
    planes = {"Y": values}
    if values.ndim == 3:
        planes = {name: values[..., at] for at, name in enumerate("RGBA"[: values.shape[2]])}
    if "A" in planes:
        alpha = planes["A"].astype(np.float64)
        planes |= {name: alpha * planes[name] for name in COLOURS}
    header = {
        "compression": library.ZIP_COMPRESSION,
        "type": library.scanlineimage,
        "chromaticities": light.chromaticities,
        "pixelAspectRatio": light.pixel_aspect,
    }
    file = io.BytesIO()
    library.File(header, {n: p.astype(dtype, order="C") for n, p in planes.items()}).write(file)
    return file.getvalue()


def _parts(file: Any, *, header_only: bool) -> list:
    library = openexr()
    file.seek(0)
    try:
        with _silent(), contextlib.redirect_stdout(io.StringIO()):
            return library.File(file, separate_channels=True, header_only=header_only).parts
    except (RuntimeError, ValueError):
        raise Refusal("is damaged or cut short: OpenEXR cannot read it") from None


@contextlib.contextmanager
def _silent() -> Iterator[None]:
    """Let OpenEXR's library print nothing on stderr: damage becomes an error."""
    with _quiet:
        try:
            kept, nowhere = os.dup(2), os.open(os.devnull, os.O_WRONLY)
        except OSError:  # there is no stderr
            yield
            return
        os.dup2(nowhere, 2)
        try:
            yield
        finally:
            os.dup2(kept, 2)
            os.close(kept)
            os.close(nowhere)


def _plane(headers: list[dict], layer: str | None) -> Plane:
    """Return the channels that a name means: of a part, of a layer, or one channel."""
    found = _planes(headers)
    if not found:
        raise Refusal(f"has no R, G and B, Y or A, only {_listed(_channels(headers))}")
    if layer is not None:
        if layer in found:
            return found[layer]
        for at, header in enumerate(headers):
            if layer in (channel.name for channel in header["channels"]):
                return Plane(at, (layer,))
        raise Refusal(f"has no layer '{layer}'; it has {_listed(list(found))}")
    if "" in found or len(found) == 1:
        return found.get("", next(iter(found.values())))
    raise Refusal(f"has several layers, {_listed(list(found))}; name one with `layer`")


def _planes(headers: list[dict]) -> dict[str, Plane]:
    """Return what can be read, by name; "" are the channels of the first part without a layer."""
    found: dict[str, Plane] = {}
    for at, header in enumerate(headers):
        channels = {channel.name for channel in header["channels"]}
        for layer in dict.fromkeys(name.rpartition(".")[0] for name in sorted(channels)):
            prefix = f"{layer}." if layer else ""
            colours = tuple(prefix + name for name in COLOURS)
            if not channels.issuperset(colours):
                one = [prefix + name for name in ALONE if prefix + name in channels]
                colours = tuple(one[:1])
            if not colours:
                continue
            alpha = (f"{prefix}A",) if f"{prefix}A" in channels - {*colours} else ()
            plane = Plane(at, colours + alpha)
            if not layer and at == 0:
                found[""] = plane
            part = header.get("name", "")
            names = (layer or part, f"{part}.{layer}" if part and layer else "")
            if name := next((name for name in names if name not in found), ""):
                found[name] = plane
    return found


def _channels(headers: list[dict]) -> list[str]:
    return [channel.name for header in headers for channel in header["channels"]]


def _listed(names: list[str]) -> str:
    more = f" and {len(names) - MOST_NAMED} more" if len(names) > MOST_NAMED else ""
    shown = [name for name in names if name][:MOST_NAMED]
    return (", ".join(shown) or "no channels") + more


def _refuse_other_channels(header: dict, plane: Plane) -> None:
    """Raise unless channels are whole planes of a flat picture."""
    library = openexr()
    names = {channel.name: channel for channel in header["channels"]}
    if header.get("type") in (library.deepscanline, library.deeptile):
        raise Refusal("is deep, with several samples for each pixel; flatten it first")
    if plane.channels[0].endswith("Y") and {"RY", "BY"} & names.keys():
        raise Refusal("is in luminance and chroma (Y, RY, BY); expected R, G and B")
    if any((names[name].xSampling, names[name].ySampling) != (1, 1) for name in plane.channels):
        raise Refusal("has channels with fewer samples than pixels; expected one for each pixel")


def _decode(file: Any, plane: Plane, headers: list[dict]) -> np.ndarray:
    """Return what the display window shows, float16 or float32; it is 0 beyond the data window."""
    from PIL import Image

    areas = [_extent(header["dataWindow"]) for header in headers]
    if Image.MAX_IMAGE_PIXELS and max(areas) > 2 * Image.MAX_IMAGE_PIXELS:
        raise Image.DecompressionBombError
    sizes = (4 * area * len(h["channels"]) for area, h in zip(areas, headers, strict=True))
    memory.refuse_beyond(sum(sizes), "the EXR file, with all layers,", "Save one layer alone.")
    parts = _parts(file, header_only=False)
    if len(parts) < len(headers):
        raise Refusal("is damaged or cut short: its pixels cannot be unpacked")
    header, channels = headers[plane.part], parts[plane.part].channels
    levels = [channels[name].pixels for name in plane.channels]
    if any(level.dtype.kind != "f" for level in levels):
        raise Refusal(f"has whole numbers in {', '.join(plane.channels)}; expected half or float")
    data = np.stack(levels, axis=2)
    _refuse_not_finite(data)
    shown = _placed(data, header)
    if shown.shape[2] in (2, 4):
        shown = _straight(shown)
    return shown[..., 0] if shown.shape[2] == 1 else shown


def _extent(window: tuple[np.ndarray, np.ndarray]) -> int:
    """Return how many pixels a window has."""
    (left, top), (right, bottom) = (corner.tolist() for corner in window)
    return max(0, right - left + 1) * max(0, bottom - top + 1)


def _refuse_not_finite(data: np.ndarray) -> None:
    count = np.count_nonzero(~np.isfinite(data).all(axis=2))
    if count:
        raise Refusal(f"has {count:,} pixels that are NaN or infinite; expected finite light")


def _placed(data: np.ndarray, header: dict) -> np.ndarray:
    """Put the data window into the display window."""
    (left, top), (right, bottom) = (corner.tolist() for corner in header["displayWindow"])
    x, y = header["dataWindow"][0].tolist()
    height, width = bottom - top + 1, right - left + 1
    if (x, y) == (left, top) and data.shape[:2] == (height, width):
        return data
    shown = np.zeros((height, width, data.shape[2]), data.dtype)
    to_x, to_y = max(x - left, 0), max(y - top, 0)
    inner = data[max(top - y, 0) :, max(left - x, 0) :][: height - to_y, : width - to_x]
    if to_x < width and to_y < height:
        shown[to_y : to_y + inner.shape[0], to_x : to_x + inner.shape[1]] = inner
    return shown


def _straight(levels: np.ndarray) -> np.ndarray:
    """Return RGBA with straight alpha; colours where nothing is opaque stay as they are."""
    alpha = levels[..., -1:].astype(np.float32)
    colours = levels[..., :-1].astype(np.float32)
    np.divide(colours, alpha, where=alpha > 0, out=colours)
    return np.dstack([np.broadcast_to(colours, (*colours.shape[:2], 3)), alpha])
