"""HEIF and AVIF files: pictures coded as a frame of a film is.

ISO/IEC 23008-12; "AV1 Image File Format", AOMedia 2022. pillow-heif decodes HEIF, with all its
bits, and Pillow decodes AVIF of 8 bits.
"""

from __future__ import annotations

from functools import partial
from types import ModuleType
from typing import Any

import numpy as np

from alphamat.extras import not_installed
from alphamat.io.stored import Refusal, Stored, open_with_pillow, unread_form

HDR = {16: "PQ", 18: "HLG"}  # transfer characteristics, ITU-T H.273
MODES = {"L": 1, "RGB": 3, "RGBA": 4}
MOST_ABOUT = 2**20  # bytes at the start of a file in which it says what it holds


def pillow_heif() -> ModuleType:
    """Import pillow-heif, or say what to install."""
    try:
        import pillow_heif
    except ImportError:
        raise not_installed("HEIC files are read by pillow-heif", "heif") from None
    return pillow_heif


def open_heif(file: Any) -> Stored:
    """Read all of a HEIF file but its pixels, which are upright."""
    picture = pillow_heif().open_heif(file, convert_hdr_to_8bit=False)
    width, height = picture.size
    form, _, deep = picture.mode.partition(";")
    if form not in MODES or deep not in ("", "16"):
        raise unread_form(f"mode {picture.mode}")
    transfer = (picture.info.get("nclx_profile") or {}).get("transfer_characteristics")
    if transfer in HDR:
        raise Refusal(f"is HDR ({HDR[transfer]}); expected a picture for ordinary screens")
    if picture.premultiplied_alpha:
        raise unread_form("colours multiplied by alpha")
    depth = int(picture.info.get("bit_depth", 8))
    profile = picture.info.get("icc_profile")
    return Stored((height, width), 1, profile, partial(_decode, picture, MODES[form], depth))


def _decode(picture: Any, channels: int, depth: int) -> np.ndarray:
    levels = np.asarray(picture)
    if levels.dtype == np.uint16:
        # The library puts the bits at the top, where white would fall short of full scale.
        whole = (levels >> (16 - depth)).astype(np.uint32)
        full = 2**depth - 1
        levels = ((whole * 65535 + full // 2) // full).astype(np.uint16)
    return levels.reshape(*levels.shape[:2], -1)[..., 0] if channels == 1 else levels


def open_avif(file: Any) -> Stored:
    """Read all of an AVIF file but its pixels."""
    file.seek(0)
    depth = max(map(_depth, file.read(MOST_ABOUT).split(b"av1C")[1:]), default=8)
    if depth > 8:
        raise unread_form(f"AVIF of {depth} bits, of which Pillow keeps 8; save it as 16-bit PNG")
    file.seek(0)
    return open_with_pillow(file, "AVIF")


def _depth(configuration: bytes) -> int:
    """Return the bits per channel that the box av1C says, behind its name."""
    flags = configuration[2] if len(configuration) > 2 else 0
    return (12 if flags & 0x20 else 10) if flags & 0x40 else 8
