"""Pictures of a matte: its alpha, the cut-out foreground, and composites."""

from __future__ import annotations

import numpy as np

from alphamat.door.colour import decode_srgb
from alphamat.door.image import FULL_SCALE, refuse_other_size
from alphamat.foreground import estimate_foreground, foreground_of_light, with_opaque
from alphamat.io.picture import Picture, as_opaque, to_primaries
from alphamat.io.stored import Light
from alphamat.method import Matte
from alphamat.video.frames import Frame


def alpha_picture(matte: Matte, *, bits: int = 8) -> np.ndarray:
    """Return alpha as an (H, W) array of uint8 or uint16."""
    refuse_unfit(matte)
    return _levels(matte.alpha, bits)


def cutout_picture(image: np.ndarray, matte: Matte, *, bits: int = 8) -> np.ndarray:
    """Return a frame's foreground with its alpha, straight: (H, W, 4), uint8 or uint16.

    Where the matte has no foreground, `estimate_foreground` finds it.
    """
    refuse_unfit(matte, image.shape)
    colours, alpha = _levels(_foreground(image, matte), bits), _levels(matte.alpha, bits)
    return np.dstack([colours, alpha])


def composite_picture(
    image: np.ndarray, matte: Matte, backdrop: np.ndarray, *, bits: int = 8
) -> np.ndarray:
    """Return a frame's foreground before another background: (H, W, 3), uint8 or uint16.

    `backdrop` is a picture of the same size, or one colour (3,): uint8, uint16, or floating point
    in [0, 1]. Values are blended as they are.
    """
    refuse_unfit(matte, image.shape)
    if backdrop.ndim == 3:
        refuse_other_size(backdrop.shape, matte.alpha.shape, "backdrop", "the frame")
    if backdrop.dtype not in FULL_SCALE:
        _refuse_out_of_range("backdrop", backdrop)
    alpha = matte.alpha[..., None].astype(np.float32)
    behind = backdrop[..., :3].astype(np.float32) / np.float32(FULL_SCALE.get(backdrop.dtype, 1))
    ahead = _foreground(image, matte).astype(np.float32, copy=False)
    return _levels(behind + alpha * (ahead - behind), bits)


def light_of(frame: Frame, like: Light | None = None) -> Picture:
    """Return a frame's scene-linear light, (H, W, 3) float64, in its own primaries or in others.

    White of a frame that is not EXR is 1.
    """
    if frame.picture is None:
        full = FULL_SCALE[frame.image.dtype]
        picture = Picture(decode_srgb(frame.image[..., :3] / full), None, Light())
    else:
        picture = frame.picture._replace(pixels=as_opaque(frame.picture.pixels, "frame"))
    own = picture.light or Light()
    return Picture(to_primaries(picture.pixels, own, like or own), None, like or own)


def cutout_light(light: np.ndarray, matte: Matte) -> np.ndarray:
    """Return the light of a frame's foreground with its alpha, straight: (H, W, 4) float64."""
    refuse_unfit(matte, light.shape)
    alpha = matte.alpha.astype(np.float64, copy=False)
    return np.dstack([foreground_of_light(light, alpha), alpha])


def composite_light(light: np.ndarray, matte: Matte, backdrop: np.ndarray) -> np.ndarray:
    """Return the light of a frame's foreground before that of a backdrop: (H, W, 3) float64."""
    if backdrop.ndim == 3:
        refuse_other_size(backdrop.shape, light.shape, "backdrop", "the frame")
    rgba = cutout_light(light, matte)
    return rgba[..., 3:] * rgba[..., :3] + (1 - rgba[..., 3:]) * backdrop


def refuse_unfit(matte: Matte, shape: tuple[int, ...] | None = None) -> None:
    """Raise unless a matte is as `Matte` says, and of the size of a frame.

    A mask of bool is an alpha, too. Foregrounds may leave [0, 1] a little, as networks' do.
    """
    alpha, foreground = matte
    if np.ndim(alpha) != 2:
        raise ValueError(f"`alpha` has shape {np.shape(alpha)}; expected (H, W).")
    refuse_other_size(alpha.shape, alpha.shape if shape is None else shape, "alpha", "the frame")
    if alpha.dtype != bool:
        _refuse_out_of_range("alpha", alpha)
    if foreground is None:
        return
    if foreground.shape != (*alpha.shape, 3):
        raise ValueError(f"`foreground` has shape {foreground.shape}; expected (H, W, 3).")
    if foreground.dtype.kind != "f" or not np.isfinite(foreground.min() + foreground.max()):
        raise ValueError(
            f"`foreground` is {foreground.dtype}, or has NaN or infinite values; expected floating "
            "point in [0, 1]."
        )


def _refuse_out_of_range(name: str, values: np.ndarray) -> None:
    if values.dtype.kind != "f":
        raise TypeError(f"`{name}` has dtype {values.dtype}; expected floating point in [0, 1].")
    low, high = float(values.min()), float(values.max())
    if not (low >= 0 and high <= 1):  # NaN is neither
        raise ValueError(f"`{name}` has values from {low:g} to {high:g}; expected [0, 1].")


def _foreground(image: np.ndarray, matte: Matte) -> np.ndarray:
    if matte.foreground is not None:
        return matte.foreground
    alpha = matte.alpha.astype(np.float64, copy=False)
    colours = image / FULL_SCALE.get(image.dtype, 1)
    return with_opaque(estimate_foreground(colours, alpha).foreground, colours, alpha)


def _levels(values: np.ndarray, bits: int) -> np.ndarray:
    if bits not in (8, 16):
        raise ValueError(f"`bits` is {bits}; expected 8 or 16.")
    full = 2**bits - 1
    return np.clip(values * full + 0.5, 0, full).astype(f"uint{bits}")
