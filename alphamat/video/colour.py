"""Colours of video: luma and chroma to RGB, and back.

Films store brightness and two differences of colour. A matrix makes these of RGB, their levels have
a range, and the differences often have half the resolution (ITU-T H.273 numbers the matrices;
BT.601, BT.709 and BT.2020 define them). Here conversion is right to the nearest level. FFmpeg's own
is up to one level of 8 bits off, also at 10 bits, and some of its ways spoil alpha.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from alphamat.video import _colour_kernels as _kernels
from solvers.loops import over_range

RED_AND_BLUE = {
    1: (0.2126, 0.0722),
    4: (0.30, 0.11),
    5: (0.299, 0.114),
    6: (0.299, 0.114),
    7: (0.212, 0.087),
    9: (0.2627, 0.0593),
}
"""Shares of red and blue in luma, by H.273's number of the matrix."""

IDENTITY, BT709, UNSPECIFIED, BT601 = 0, 1, 2, 6
LIMITED, FULL = 1, 2  # ranges
HDR = {16: "PQ", 18: "HLG"}
"""Transfers of high dynamic range; 8 bits are too few for them."""
CENTRED = {"mjpeg", "mpeg1video", "theora"}
"""Codecs whose chroma lies in the middle of its pixels, and not at the left."""
HALVED = {"420": (True, True), "422": (False, True), "444": (False, False)}


@dataclass(frozen=True)
class Colour:
    """Matrix, primaries and transfer of a clip, by their numbers in H.273."""

    matrix: int
    primaries: int
    transfer: int


PICTURES = Colour(BT709, primaries=1, transfer=1)
"""The tags of films that are made of pictures."""


def colour_of(stream) -> Colour:
    """Return the tags of a stream; if they have no matrix, its size decides on one.

    Raises
    ------
    ValueError
        If the matrix is not in RED_AND_BLUE, or the samples are too deep.
    """
    if _bits(stream.format) > 16:
        raise ValueError("its samples are floating point, or of more than 16 bits")
    codec = stream.codec_context
    matrix = codec.colorspace
    if stream.format.is_rgb or matrix == IDENTITY:
        matrix = BT709  # it would be written with this one
    elif matrix in (UNSPECIFIED, 3):
        matrix = BT709 if codec.width >= 1280 or codec.height > 576 else BT601
    elif matrix not in RED_AND_BLUE:
        raise ValueError(
            f"its colours have the matrix {matrix} of H.273, which cannot be read; expected "
            f"one of {', '.join(map(str, RED_AND_BLUE))}"
        )
    return Colour(matrix, codec.color_primaries, codec.color_trc)


def to_rgb(frame, matrix: int, codec: str = "") -> np.ndarray:
    """Return the pixels of PyAV's frame: (H, W, 3), or (H, W, 4) where its format has alpha.

    They are uint8, or uint16 at full scale if the frame has more than 8 bits. `codec` tells where
    its chroma lies.
    """
    components, bits = frame.format.components, _bits(frame.format)
    dtype = np.dtype(np.uint8 if bits <= 8 else np.uint16)
    has_alpha = any(component.is_alpha for component in components) or frame.format.has_palette
    colourless = sum(not component.is_alpha for component in components) < 3
    if frame.format.is_rgb or frame.format.has_palette or colourless:
        if colourless and bits > 1 and not has_alpha:
            return _from_gray(frame, dtype, bits)
        name = ("rgba" if has_alpha else "rgb24", "rgba64le" if has_alpha else "rgb48le")
        return _reformatted(frame, name[bits > 8]).to_ndarray()
    return _from_planes(frame, matrix, dtype, has_alpha, bits, codec in CENTRED)


def _bits(form) -> int:
    return max(component.bits for component in form.components)


def _from_gray(frame, dtype: np.dtype, bits: int) -> np.ndarray:
    """Return gray as RGB; FFmpeg takes it all for full range, and shifts its levels to 16 bits."""
    if frame.format.is_big_endian:
        frame = _reformatted(frame, frame.format.name.removesuffix("be") + "le")
    black, white = 0, 2**bits - 1
    if frame.color_range == LIMITED:
        black, white = (level << bits - 8 for level in (16, 235))
    shares = np.clip((np.arange(2**bits) - black) / (white - black), 0, 1)
    table = np.rint(shares * np.iinfo(dtype).max).astype(dtype)
    levels = np.take(table, _rows(frame.planes[0], bits)[:, : frame.width], mode="clip")
    return np.repeat(levels[..., None], 3, axis=2)


def _from_planes(
    frame, matrix: int, dtype: np.dtype, has_alpha: bool, bits: int, centred: bool
) -> np.ndarray:
    full_range = frame.color_range == FULL or frame.format.name.startswith("yuvj")
    frame = _planar(frame, has_alpha, bits, full_range)
    bits = frame.format.components[0].bits
    y, u, v, *alpha = (_rows(plane, bits) for plane in frame.planes)
    full = np.iinfo(dtype).max
    to_yuv, offset = _matrix(matrix, bits, full_range, full)
    pixels = np.empty((frame.height, frame.width, 3 + has_alpha), dtype)
    inverse = np.linalg.inv(to_yuv).astype(np.float32)
    where = _halved(frame), centred
    arguments = y, u, v, *where, inverse, offset.astype(np.float32), full, pixels
    over_range(_kernels.decode, len(pixels), 2 * pixels.size, *arguments)
    if has_alpha:
        pixels[..., 3] = _rescaled(alpha[0][:, : frame.width], 2**bits - 1, full)
    return pixels


def to_frame(pixels: np.ndarray, name: str, matrix: int):
    """Return PyAV's frame of gray, RGB or RGBA pixels, uint8 or uint16, in a planar format.

    Its range is limited. Alpha is left out where the format has none, and opaque where the pixels
    have none.
    """
    import av

    if pixels.ndim == 2:
        pixels = pixels[..., None].repeat(3, axis=2)
    height, width = pixels.shape[:2]
    frame = av.VideoFrame(width, height, name)
    frame.colorspace, frame.color_range = matrix, LIMITED
    bits = frame.format.components[0].bits
    y, u, v, *alpha = (_rows(plane, bits) for plane in frame.planes)
    full, full_coded = np.iinfo(pixels.dtype).max, 2**bits - 1
    to_yuv, offset = _matrix(matrix, bits, False, full)
    arguments = _halved(frame), to_yuv.astype(np.float32), offset.astype(np.float32), full_coded
    pixels = np.ascontiguousarray(pixels)
    over_range(_kernels.encode, len(u), 2 * pixels.size, pixels, *arguments, y, u, v)
    if alpha:
        opaque = pixels.shape[2] == 3
        alpha[0][:, :width] = full_coded if opaque else _rescaled(pixels[..., 3], full, full_coded)
    return frame


def _matrix(number: int, bits: int, full_range: bool, full: int) -> tuple[np.ndarray, np.ndarray]:
    """Return (3, 3) and (3,): coded luma and chroma are matrix @ colour + offset."""
    red, blue = RED_AND_BLUE[number]
    luma = np.array([red, 1 - red - blue, blue])
    r, _, b = np.eye(3)
    unit = np.stack([luma, (b - luma) / (2 * (1 - blue)), (r - luma) / (2 * (1 - red))])
    step = 2 ** (bits - 8)
    if full_range:
        scale, offset = np.full(3, 2.0**bits - 1), [0, 128, 128]
    else:
        scale, offset = step * np.array([219.0, 224, 224]), [16, 128, 128]
    return unit * scale[:, None] / full, step * np.array(offset, float)


def _halved(frame) -> tuple[bool, bool]:
    return next(halved for name, halved in HALVED.items() if name in frame.format.name)


def _planar(frame, has_alpha: bool, bits: int, full_range: bool):
    """Return the frame in a format `yuv(a)4…p`, with 8 to 16 bits.

    In this conversion FFmpeg does not change luma and alpha.
    """
    name = frame.format.name.replace("yuvj", "yuv")  # these only say that their range is full
    sampling = next((key for key in HALVED if name.startswith(("yuv" + key, "yuva" + key))), "444")
    if name.startswith(("nv12", "nv21", "p01")):
        sampling = "420"
    deep = next(depth for depth in (8, 9, 10, 12, 14, 16) if bits <= depth)
    planar = f"yuv{'a' * has_alpha}{sampling}p" + (f"{deep}le" if deep > 8 else "")
    if name == planar:
        return frame
    return _reformatted(frame, planar, FULL if full_range else LIMITED)


def _reformatted(frame, name: str, coded_range: int | None = None):
    from av.video.reformatter import Interpolation

    # With threads, FFmpeg's scaler gives different results from run to run.
    flags = Interpolation.BICUBIC | Interpolation.ACCURATE_RND
    return frame.reformat(
        format=name,
        interpolation=flags | Interpolation.FULL_CHR_H_INT | Interpolation.FULL_CHR_H_INP,
        src_color_range=coded_range,
        dst_color_range=coded_range,
        threads=1,
    )


def _rows(plane, bits: int) -> np.ndarray:
    """Return a plane's memory as integers, (h, w) and padding at the right."""
    dtype = np.dtype(np.uint8 if bits <= 8 else np.uint16)
    return np.frombuffer(plane, dtype).reshape(plane.height, plane.line_size // dtype.itemsize)


def _rescaled(levels: np.ndarray, full: int, new: int) -> np.ndarray:
    if full == new:
        return levels
    return (levels.astype(np.uint32) * new + full // 2) // full
