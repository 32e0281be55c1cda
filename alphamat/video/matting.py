"""Methods on clips: frame by frame, with what they remember of the frames before."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import count

import numpy as np

from alphamat.door.image import FULL_SCALE, Pixels
from alphamat.door.parameters import parameters
from alphamat.method import Matte, Method, refuse_unless_taken, run, step_of, system_of
from alphamat.plate import align_plate
from alphamat.video.flow import trimap_by_flow
from alphamat.video.frames import Frame
from alphamat.video.pictures import refuse_unfit


def matte_video(
    frames: Iterable[np.ndarray | Frame],
    method: Method,
    *,
    trimaps: Iterable[Pixels] | np.ndarray | None = None,
    plate: Iterable[Pixels] | np.ndarray | None = None,
    handheld: bool = False,
) -> Iterator[Matte]:
    """Estimate alpha of each frame of a clip, one after the other as they are asked for.

    Parameters
    ----------
    frames : iterable of (H, W, 3) arrays, or of Frames
        Such as `read_video(path)`. A fourth channel is accepted where it is opaque, and dropped.
    method : function (image, trimap=None, plate=None) -> alpha
        Any `alphamat.method.Method`. If it has `clip()`, which makes a function that remembers
        frames, this makes one for the clip. The methods here that solve a system start at the alpha
        of the frame before, if their solver takes `x0`.
    trimaps : iterable of (H, W) arrays, or one such array, optional
        One for each frame; or only that of the first frame. The others are then made by optical
        flow, each of the alpha of the frame before; see `trimap_by_flow`.
    plate : (H, W, 3) array, or iterable of such, optional
        What the scene shows without its foreground (a clean plate): one picture for the whole clip,
        or one for each frame.
    handheld : bool
        Whether the camera moved. If so, the plate is aligned with each frame; see `align_plate`.

    Yields
    ------
    Matte
        Alpha, and the foreground where the method gives it.

    Raises
    ------
    ValueError
        If the method needs trimaps or a plate and none are given, or if they are given and it takes
        none; or if trimaps or plates end before the frames do.
    TypeError, ValueError, MemoryError
        If the method refuses a frame, the plate does not fit it, or the method returns no alpha of
        its size, floating point in [0, 1]; the message names the frame.

    Examples
    --------
    >>> import alphamat
    >>> from alphamat import examples
    >>> from alphamat.video import matte_video
    >>> scene = examples.synthetic(examples.fur, 48, 64)
    >>> clip, trimaps = 2 * [scene.image], 2 * [scene.trimap]
    >>> [m.alpha.shape for m in matte_video(clip, alphamat.closed_form, trimaps=trimaps)]
    [(48, 64), (48, 64)]
    """
    refuse_unless_taken(method, trimap=trimaps is not None, plate=plate is not None)
    return _mattes(frames, _step(method), trimaps, plate, handheld)


def _mattes(frames: Iterable, step: Callable, trimaps, plate, handheld: bool) -> Iterator[Matte]:
    carried = isinstance(trimaps, np.ndarray) and trimaps.ndim == 2
    trimap = trimaps if carried else None
    if trimaps is not None and not carried:
        trimaps = iter(trimaps)
    if plate is not None and not _is_picture(plate):
        plate = iter(plate)
    before = None
    for number, image in map(_numbered, count(1), frames):
        shown = _next("plate", plate, number)
        if not carried:
            trimap = _next("trimaps", trimaps, number)
        elif before is not None:
            trimap = trimap_by_flow(image, *before)
        try:
            if shown is not None and handheld:
                shown = align_plate(image, shown).plate
            matte = run(step, image, trimap, shown)
            refuse_unfit(matte, np.shape(image))
        except (TypeError, ValueError, MemoryError) as fault:
            kind = next(k for k in (TypeError, ValueError, MemoryError) if isinstance(fault, k))
            raise kind(f"frame {number}: {fault}") from fault
        before = (image, matte.alpha) if carried else None
        yield matte


def _step(method: Method) -> Method:
    """Return the method that is called for each frame of one clip."""
    system = system_of(method)
    return step_of(method) if system is None else _from_the_last(system)


def _from_the_last(make: Callable) -> Method:
    """Return a method that starts to solve at the last alpha, if that is of the frame's size."""
    last: np.ndarray | None = None

    def step(image: Pixels, trimap: Pixels) -> np.ndarray:
        nonlocal last
        system = make(image, trimap)
        fits = last is not None and last.shape == system.given.shape
        start = last if fits and "x0" in parameters(system.solver) else None
        last = alpha = system.solve(start=start).alpha
        return alpha

    return step


def _is_picture(plate) -> bool:
    return isinstance(plate, np.ndarray) and plate.ndim == 3


def _next(name: str, values, number: int):
    if not isinstance(values, Iterator):
        return values
    try:
        return next(values)
    except StopIteration:
        raise ValueError(
            f"`{name}` ends before the clip does: there is none for frame {number}."
        ) from None


def _numbered(number: int, frame) -> tuple[int, np.ndarray]:
    """Return a frame's number and its image, without a fourth channel that is opaque."""
    if isinstance(frame, Frame):
        number, frame = frame.number, frame.image
    if frame.ndim == 3 and frame.shape[2] == 4 and frame.dtype in FULL_SCALE:
        opaque = (frame[..., 3] == FULL_SCALE[frame.dtype]).all()
        frame = np.ascontiguousarray(frame[..., :3]) if opaque else frame
    return number, frame
