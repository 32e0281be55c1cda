"""What a worker process does for one job.

All that is known of a job lies in its folder, so any process can go on with it. The service puts
`picture` there, and `trimap`, `plate` and `mask` where it was given them. Arrays are made here: the
picture's pixels, trimap, alpha, and what live strokes need.
"""

from __future__ import annotations

import warnings
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np

from alphamat.door.image import as_image, as_plane, refuse_other_size
from alphamat.io import Picture, read_picture
from alphamat.photograph import Cutout, DoubtfulError
from alphamat.progress import Step, tell
from alphamat.segmentation import grab_cut
from alphamat.serve.cutting import cut_out
from alphamat.serve.painting import Area, Painting
from alphamat.serve.rendering import alpha_levels, gray_png
from alphamat.serve.rendering import render as render
from alphamat.serve.stored import Facts, facts, load, mapped, store, store_facts
from alphamat.trimap import Trimap

MOST_PIXELS = 50_000_000
SECONDS = 2.0  # for strokes that were painted while a method ran


def cut(folder: Path, options: dict[str, Any], *, limit: int = MOST_PIXELS) -> Facts:
    """Cut out what a new picture shows.

    Parameters
    ----------
    folder : Path
        Of the job, with the files that came with it.
    options : dict
        `method`, a name; `weights`, the path of a network's weights, which no client may choose;
        `box`; `keep`: "all", "largest" or [x, y].
    limit : int
        Pixels that a picture may have.

    Raises
    ------
    TypeError, ValueError, MemoryError
        If a file or an option is refused. The message says why, and names no path.

    Examples
    --------
    >>> from pathlib import Path
    >>> from tempfile import TemporaryDirectory
    >>> import alphamat
    >>> from alphamat import examples
    >>> image, trimap = examples.astronaut()
    >>> with TemporaryDirectory() as name:
    ...     with open(Path(name) / "picture", "wb") as file:
    ...         alphamat.write_image(file, image, format="png")
    ...     with open(Path(name) / "trimap", "wb") as file:
    ...         alphamat.write_image(file, trimap, format="png")
    ...     found = cut(Path(name), {"method": "closed-form"})
    ...     cutout = render(Path(name), "cutout")
    ...     patch = render(Path(name), "trimap")  # the whole trimap, as it is
    ...     alpha, place = stroke(Path(name), patch, 0, 0)
    >>> found.state, place
    ('done', (0, 0, 512, 512))
    """
    tell(Step("reading the picture"))
    pixels, profile, _ = _read(folder, "picture", limit)
    image = as_image(pixels, name="picture")
    store(folder, image=pixels)
    (folder / "profile").write_bytes(profile or b"")
    if options.get("box"):
        return _cut(folder, image, options, box=options["box"])
    if (folder / "trimap").exists():
        trimap = as_levels(_read(folder, "trimap", limit).pixels)
        refuse_other_size(trimap.shape, image.shape, "trimap")
        return _cut(folder, image, options, trimap=trimap)
    if (folder / "mask").exists():
        mask = as_plane(_read(folder, "mask", limit).pixels, name="mask")
        refuse_other_size(mask.shape, image.shape, "mask")
        return _cut(folder, image, options, segment=lambda image: mask)
    return _cut(folder, image, options)


def again(
    folder: Path, trimap: bytes | None, options: dict[str, Any], *, limit: int = MOST_PIXELS
) -> Facts:
    """Run the full method on another trimap, or with other options.

    Strokes that are painted meanwhile are kept.
    """
    if trimap is not None:
        levels = as_levels(_picture(trimap, "trimap", limit).pixels)
        refuse_other_size(levels.shape, mapped(folder, "trimap").shape, "trimap")
        store(folder, trimap=levels)
    start = load(folder, "trimap")
    kinds = (start == 255).any(), (start == 0).any()
    given = {"trimap": start}
    few = facts(folder).state == "unsure" and (start == 128).mean() > 0.5  # strokes, no more
    if few or not all(kinds):
        given = {"scribbles": start} if any(kinds) else {}
    return _cut(folder, as_image(load(folder, "image")), options, **given)


def stroke(folder: Path, patch: bytes, x: int, y: int) -> tuple[bytes, tuple[int, int, int, int]]:
    """Put a stroke into the trimap, and solve what it changes.

    Parameters
    ----------
    patch : bytes
        A gray PNG: the trimap of the rectangle that was painted on.
    x, y : int
        Column and row of its upper left pixel.

    Returns
    -------
    bytes, (x, y, width, height)
        The rectangle of alpha that changed, as a PNG, and where it lies.
    """
    painting = _painting(folder)
    levels = as_levels(_picture(patch, "patch", painting.trimap.size).pixels)
    (rows, columns), (height, width) = levels.shape, painting.trimap.shape
    if x < 0 or y < 0 or x + columns > width or y + rows > height:
        raise ValueError(
            f"`patch` is {columns} × {rows} pixels (width × height) at ({x}, {y}); expected a "
            f"rectangle inside the picture, which is {width} × {height}."
        )
    (folder / "foreground.npy").unlink(missing_ok=True)
    if facts(folder).state == "unsure":
        painting.trimap[y : y + rows, x : x + columns] = levels
        some = (painting.trimap != 128).any()
        painting.alpha[:] = grab_cut(painting.image, scribbles=painting.trimap)[0] if some else 0
        return gray_png(alpha_levels(painting.alpha)), (0, 0, width, height)
    changed, area = painting.stroke(levels, x, y)
    return gray_png(alpha_levels(changed)), (area.left, area.top, *changed.shape[::-1])


def warm() -> None:
    """Solve a stroke on a small picture: it loads what the first one of a person needs."""
    image = np.random.default_rng(4).random((24, 24, 3))
    trimap = np.full((24, 24), 128, np.uint8)
    alpha, weights = np.full((2, 24, 24), 0.5, np.float32)
    painting = Painting(image, trimap, alpha, alpha.copy(), 0.01 * weights)
    gray_png(alpha_levels(painting.stroke(np.zeros((5, 5), np.uint8), 3, 4)[0]))


def as_levels(trimap: np.ndarray) -> np.ndarray:
    """Return a trimap's levels as 0, 128 and 255."""
    return Trimap.of(as_plane(trimap, name="trimap")).levels


def _cut(folder: Path, image: np.ndarray, options: dict[str, Any], **given: Any) -> Facts:
    """Cut out by what is `given` to `cutout_photo`, and store what is found."""
    tell(Step("finding the foreground"))
    start = load(folder, "trimap") if (folder / "trimap.npy").exists() else None
    plate = _read(folder, "plate", image.size).pixels if (folder / "plate").exists() else None
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", UserWarning)
        try:
            found, weights = cut_out(image, options, plate, **given)
            seen, arrays = found.segmentation, _arrays(found, weights)
        except DoubtfulError as fault:
            seen, arrays = fault.segmentation, _no_arrays(image, given.get("scribbles"))
    tell(Step("storing the result"))
    doubt, reason = (float(seen.doubt), seen.reason) if seen else (0.0, "")
    said = [str(warning.message) for warning in caught]
    state = "done" if "foreground" in arrays else "unsure"
    known = Facts(image.shape[1], image.shape[0], doubt, reason, said, state)
    (folder / "foreground.npy").unlink(missing_ok=True)
    old = None if start is None else mapped(folder, "trimap")  # strokes still go into this file
    store(folder, **arrays)
    store_facts(folder, known)
    if old is not None:
        _paint(folder, old, old != start)
    return known


def _arrays(found: Cutout, weights: np.ndarray) -> dict[str, np.ndarray]:
    alpha, foreground = (x.astype(np.float32) for x in (found.alpha, found.foreground))
    return {
        "trimap": found.trimap,
        "alpha": alpha,
        "given": alpha,
        "weights": weights.astype(np.float32),
        "foreground": foreground,
    }


def _no_arrays(image: np.ndarray, scribbles: np.ndarray | None) -> dict[str, np.ndarray]:
    """Return the arrays of a picture whose foreground is not known."""
    none = np.zeros(image.shape[:2], np.float32)
    trimap = np.full(none.shape, 128, np.uint8) if scribbles is None else scribbles
    return {"trimap": trimap, "alpha": none, "given": none, "weights": none}


def _paint(folder: Path, trimap: np.ndarray, where: np.ndarray) -> None:
    """Put the marked part of a trimap into the stored one: it was painted while a method ran."""
    area = Area(0, 0, *where.shape[::-1]).around(where)
    if area is None:
        return
    painting = _painting(folder)
    patch = np.where(where, trimap, painting.trimap)[area.slices]
    if facts(folder).state == "unsure":
        painting.trimap[area.slices] = patch
    else:
        (folder / "foreground.npy").unlink()
        painting.stroke(patch, area.left, area.top, seconds=SECONDS)


def _painting(folder: Path) -> Painting:
    """Return a painting whose strokes change the files."""
    fixed = {name: mapped(folder, name) for name in ("image", "given", "weights")}
    return Painting(**fixed, **{name: mapped(folder, name, "r+") for name in ("trimap", "alpha")})


def _read(folder: Path, name: str, limit: int) -> Picture:
    return _picture((folder / name).read_bytes(), name, limit)


def _picture(content: bytes, name: str, limit: int) -> Picture:
    return read_picture(_Named(content, f"`{name}`"), limit=limit)


class _Named(BytesIO):
    """A file in memory, with what errors call it."""

    def __init__(self, content: bytes, name: str):
        super().__init__(content)
        self.name = name
