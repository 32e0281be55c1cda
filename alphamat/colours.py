"""The colours of a photograph: as matting sees them, and as they are written.

Matting sees sRGB. The foreground is estimated, and put over other things, in the photograph's own
colours, or in scene-linear light where the photograph or an output is EXR.
"""

from __future__ import annotations

from pathlib import Path
from typing import IO, TYPE_CHECKING, NamedTuple

import numpy as np

from alphamat.door import as_image
from alphamat.io.images import KINDS, read_picture, write_image
from alphamat.io.picture import Picture, as_light, as_opaque, as_srgb, encoded, to_primaries
from alphamat.io.profiles import as_rgb, convert_colours
from alphamat.io.sources import Source
from alphamat.io.stored import Light
from alphamat.method import Matte

if TYPE_CHECKING:
    from alphamat.foreground import Layers


class Colours(NamedTuple):
    """What the colours of pictures to write are."""

    profile: bytes | None = None
    """ICC profile of encoded colours; None is sRGB."""
    light: Light | None = None
    """What EXR files say of light; None of encoded colours."""
    exposure: float = 0.0
    """Stops by which light is brightened where it is shown in sRGB."""


class Photograph(NamedTuple):
    """A photograph's colours."""

    seen: np.ndarray
    """As methods are given it: the pixels of the file, or sRGB in [0, 1]."""
    own: np.ndarray
    """(H, W, 3) float64 in its own colours: encoded, in [0, 1]; or light."""
    colours: Colours
    same: bool
    """Whether methods see its own colours."""

    @property
    def image(self) -> np.ndarray:
        """As matting sees it, (H, W, 3) float64 in [0, 1]."""
        return self.own if self.same else as_image(self.seen)


def read_photograph(
    source: Source,
    outputs: dict[str, Path],
    *,
    name: str,
    layer: str | None = None,
    exposure: float = 0.0,
) -> Photograph:
    """Read a photograph, from which outputs are to be made."""
    picture = read_picture(source, layer=layer)
    coloured = [path for kind, path in outputs.items() if kind in ("cutout", "composite")]
    own = as_image(picture.pixels) if picture.light is None else picture.pixels
    seen = as_srgb(picture._replace(pixels=own), name="image", exposure=exposure)
    if picture.light is not None:
        own = as_opaque(own, "image")
        return Photograph(seen, own, Colours(None, picture.light, exposure), same=False)
    if any(is_exr(path) for path in coloured):
        light = as_light(picture, name="image")
        return Photograph(seen, light, Colours(None, Light()), same=False)
    profile = as_rgb(picture.profile, name=name) if coloured else None
    same = seen is own
    return Photograph(picture.pixels if same else seen, own, Colours(profile), same)


def is_exr(path: Path) -> bool:
    return KINDS.get(path.suffix.lower()) == "exr"


def foreground_of(photograph: Photograph, matte: Matte) -> np.ndarray:
    """Return the foreground in the photograph's own colours.

    It is the method's, if that has seen these colours and gives one; or else an estimate.
    """
    from alphamat.foreground import foreground_of_light

    alpha = np.asarray(matte.alpha, np.float64)
    if photograph.colours.light is not None:
        return foreground_of_light(photograph.own, alpha)
    if photograph.same and matte.foreground is not None:
        return matte.foreground
    return exact_layers(photograph.own, alpha).foreground


def exact_layers(image: np.ndarray, alpha: np.ndarray) -> Layers:
    """Estimate the layers of an image; its foreground is the image itself where alpha is 1."""
    from alphamat.foreground import estimate_foreground, with_opaque

    layers = estimate_foreground(image, alpha)
    return layers._replace(foreground=with_opaque(layers.foreground, image, alpha))


def composite_of(
    photograph: Photograph,
    foreground: np.ndarray,
    alpha: np.ndarray,
    backdrop: np.ndarray,
    linear: bool,
) -> np.ndarray:
    """Put a foreground over a backdrop of the photograph's colours; light is blended as it is."""
    from alphamat import composite

    if photograph.colours.light is None:
        return composite(foreground, alpha, backdrop, linear_light=linear)
    alpha = alpha[..., None]
    return alpha * foreground + (1 - alpha) * backdrop


def cutout_of(photograph: Photograph, foreground: np.ndarray, alpha: np.ndarray) -> np.ndarray:
    from alphamat import cutout

    return (
        cutout(foreground, alpha)
        if photograph.colours.light is None
        else np.dstack([foreground, alpha])
    )


def for_display(pixels: np.ndarray, colours: Colours) -> np.ndarray:
    """Return pixels as files other than EXR have them."""
    if colours.light is None or pixels.ndim == 2:
        return pixels
    return encoded(pixels, colours.light, colours.exposure)


def in_colours_of(photograph: Photograph, picture: Picture, *, name: str) -> np.ndarray:
    """Return another picture, (H, W, 3), in a photograph's own colours."""
    if photograph.colours.light is not None:
        return to_primaries(as_light(picture, name=name), Light(), photograph.colours.light)
    if picture.light is not None:
        colours, own = as_srgb(picture, name=name), None
    else:
        colours, own = as_image(picture.pixels, name=name), as_rgb(picture.profile, name=name)
    return convert_colours(colours, own, photograph.colours.profile)


def write_coloured(
    path: Path | IO[bytes], pixels: np.ndarray, colours: Colours, *, bits: int | str | None = None
) -> None:
    """Write a picture, with the profile if it has colours; open files get PNG."""
    if isinstance(path, Path) and is_exr(path):
        write_image(path, pixels, bits=bits, light=colours.light)
        return
    profile = None if pixels.ndim == 2 else colours.profile
    form = None if isinstance(path, Path) else "png"
    write_image(path, for_display(pixels, colours), bits=bits, profile=profile, format=form)
