"""Mattes of pictures of any size in bounded memory.

Areas of unknown pixels that are not coupled are solved exactly, some at a time. An area that is too
large is cut into pieces that overlap. They are solved in turn, each with alpha outside it held at
its present value, until none changes another (Schwarz's alternating method). They start from the
alpha of a smaller picture. Each solution lowers the energy of the whole, whose least is the alpha
of the whole.

Schwarz, "Über einen Grenzübergang durch alternierendes Verfahren", 1870; Toselli & Widlund, "Domain
Decomposition Methods", 2005.
"""

from __future__ import annotations

import os
import time
import warnings
from collections.abc import Callable, Generator
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from alphamat import progress
from alphamat.door.parameters import as_count, parameters, shown
from alphamat.io.windows import copy_to, windows_of
from alphamat.laplacians.colour_line import colour_line_laplacian
from alphamat.laplacians.windows import bytes_of_system, parse_parameters
from alphamat.method import name_of, takes, unbound
from alphamat.methods.closed_form import closed_form
from alphamat.methods.learning_based import learning_based, local_learning_laplacian
from alphamat.system import ConvergenceWarning
from alphamat.tiles.picture import Picture, copy_trimap, count_unknown
from alphamat.tiles.plan import Cells, Piece, Room, pieces
from alphamat.tiles.start import enlarged, factor_for, quietly, small_alpha
from alphamat.tiles.state import State, Visit
from alphamat.tiles.writing import refuse_output, write
from solvers import Solution, Solver, StencilMatrix

LAPLACIANS: dict[Callable, Callable[..., StencilMatrix]] = {
    closed_form: colour_line_laplacian,
    learning_based: local_learning_laplacian,
}
"""Methods whose systems couple pixels of one window only, and the rows of these systems."""

BASE = 350 * 2**20  # bytes of this process before it solves anything: libraries, compiled kernels
LEAST_MEMORY = 512 * 2**20
STRICTER = 0.1
SETTLED = 2**-11  # a change of alpha beside a piece that needs no other solution of it
MOST_SWEEPS = 40


def matte(
    image: str | os.PathLike[str],
    trimap: str | os.PathLike[str],
    output: str | os.PathLike[str],
    *,
    method: Callable[..., np.ndarray] = closed_form,
    memory: int = 2 * 2**30,
    bits: int = 8,
) -> None:
    """Write the alpha of a picture that may be larger than memory.

    It is the alpha of the whole picture, up to the solver's tolerance, and not that of tiles. Time
    and disk space go with the unknown pixels, and the picture is read where these are.

    Parameters
    ----------
    image : path of a picture
        TIFF or Zarr of any size; PNG, JPEG and WebP have to fit into `memory` as they are read
        whole. Packed TIFFs without tiles are unpacked beside the output first.
    trimap : path of its trimap
        As the image. See `as_trimap`.
    output : path ending in .tif, .tiff or .zarr
        BigTIFF in tiles, or OME-Zarr. It appears when it is complete. Until then a folder
        beside it, .NAME.partial, keeps what is done: after a crash the same call goes on from
        there. The folder takes 5 bytes for each pixel, where the file system keeps no holes.
    method : callable
        `closed_form` or `learning_based`; options but `confidence` may be bound with
        `functools.partial`.
    memory : int
        Bytes that this process may take, at least 512 MiB. 350 MiB of these are for the program
        itself.
    bits : 8 or 16
        Bits of alpha.

    Raises
    ------
    TypeError, ValueError, OSError
        If an argument or a file is refused; the message says why.

    Warns
    -----
    ConvergenceWarning
        If the solver did not reach its tolerance.

    Examples
    --------
    >>> import tempfile
    >>> import alphamat
    >>> from alphamat import examples
    >>> from alphamat.tiles import matte
    >>> scene = examples.synthetic(examples.fur, 48, 64)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     alphamat.write_image(f"{folder}/photo.tif", scene.image)
    ...     alphamat.write_image(f"{folder}/trimap.tif", scene.trimap)
    ...     matte(f"{folder}/photo.tif", f"{folder}/trimap.tif", f"{folder}/alpha.tif")
    ...     alphamat.read_image(f"{folder}/alpha.tif").shape
    (48, 64)
    """
    memory = as_count(memory, "memory", least=LEAST_MEMORY, most=None)
    if bits not in (8, 16):
        raise ValueError(f"`bits` is {bits}; expected 8 or 16.")
    rows, options = _rows_of(method)
    output = Path(output)
    refuse_output(output)
    with ExitStack() as files:
        most = memory - BASE
        given = files.enter_context(windows_of(image, most=most))
        hints = files.enter_context(windows_of(trimap, most=most))
        epsilon, radius = parse_parameters(given.size, options["epsilon"], options["radius"])
        about = {
            "inputs": [_stamp(path) for path in (image, trimap)],
            "method": [name_of(method), epsilon, radius, _words(options["solver"])],
            "memory": memory,
        }
        state = State.at(output.with_name(f".{output.name}.partial"), given.size, about)
        try:
            levels = copy_trimap(hints, state.folder / "trimap.npy", given.size)
            if not given.direct:
                given = copy_to(given, state.folder / "image.npy")
        except ValueError:  # a refused file leaves nothing worth keeping
            state.remove()
            raise
        picture = Picture(
            given, levels, partial(_rows, rows, epsilon=epsilon, radius=radius), options["solver"]
        )
        cells = count_unknown(levels, 2 * radius)
        room = Room(_share(memory), bytes_of_system(1, radius, 1), 2 * radius)
        Work(picture, state, cells, room, pieces(cells, room)).run()
        progress.tell(progress.Step("writing"))
        write(output, state, levels, bits)
        state.remove()


def _share(memory: int) -> int:
    """Return the bytes that the arrays of a piece may take."""
    return memory - BASE


def _rows_of(method: Callable) -> tuple[Callable[..., StencilMatrix], dict[str, Any]]:
    """Return a method's rows and options; raise unless its pixels are coupled in windows only."""
    function, bound = unbound(method)
    if function not in LAPLACIANS:
        raise ValueError(
            f"`method` is {name_of(method)}; pictures beyond memory are matted by closed_form and "
            "learning_based, which look at small windows only."
        )
    if bound.pop("confidence", None) is not None:
        raise ValueError("`confidence` is given; pieces of a picture hold known pixels exactly.")
    options = {"epsilon": 1e-7, "radius": 1, "solver": takes(method).solver} | bound
    if other := set(options) - {"epsilon", "radius", "solver"}:
        raise TypeError(f"`method` has {shown(other.pop())} bound, which it does not take.")
    return LAPLACIANS[function], options


def _rows(laplacian, image: np.ndarray, mask: np.ndarray, **options) -> StencilMatrix:
    return laplacian(image, mask, **options)


def _stricter(solver: Solver) -> Solver:
    """Return a solver with smaller tolerances: what pieces that overlap leave adds up."""
    known = parameters(solver)
    given = {name: known[name].default for name in ("rtol", "xtol") if name in known}
    smaller = {name: STRICTER * value for name, value in given.items() if isinstance(value, float)}
    return partial(solver, **smaller) if smaller else solver


def _words(value: Any) -> Any:
    """Return what says the same in each process."""
    if isinstance(value, partial):
        return [_words(value.func), {name: _words(v) for name, v in value.keywords.items()}]
    return getattr(value, "__qualname__", None) or repr(value)


def _stamp(path: str | os.PathLike[str]) -> list:
    """Return what changes when a file does."""
    about = os.stat(path)
    return [os.path.abspath(path), about.st_size, about.st_mtime_ns]


@dataclass(eq=False)
class Work:
    """The pieces, and what is done of them."""

    picture: Picture
    state: State
    cells: Cells
    room: Room
    pieces: list[Piece]
    done: int = 0
    """Unknown pixels of pieces that were solved at least once."""
    begun: float = field(default_factory=time.monotonic)
    fresh: int = 0
    """Unknown pixels that this run solved."""

    def run(self) -> None:
        """Solve all pieces; take what earlier runs have solved from the journal."""
        kept = list(self.state.visits)
        short = 0
        schedule = self._schedule()
        number = next(schedule, None)
        while number is not None:
            visit = kept.pop(0) if kept else self._visit(number)
            short += not visit.converged
            solution = Solution(np.empty(0), visit.iterations, visit.residual, visit.converged)
            progress.tell(solution)
            try:
                number = schedule.send(visit)
            except StopIteration:
                break
        if short:
            warnings.warn(
                f"The solver stopped short of its tolerance in {short} of {len(self.state.visits)} "
                "solutions of pieces; the result is its best.",
                ConvergenceWarning,
                stacklevel=3,
            )

    def _schedule(self) -> Generator[int, Visit, None]:
        """Yield the piece to solve next, until all are settled; take what each visit changed."""
        alone = [k for k, piece in enumerate(self.pieces) if piece.alone]
        cut = [k for k, piece in enumerate(self.pieces) if not piece.alone]
        for number in alone:
            yield number
        if not cut:
            return
        if len(self.state.visits) == len(alone):
            self._start(cut)
        pending = dict.fromkeys(cut, np.inf)
        for _ in range(MOST_SWEEPS):
            for number in cut:
                if pending[number] <= SETTLED:
                    continue
                visit = yield number
                pending[number] = 0.0
                for other, change in visit.changes.items():
                    pending[other] += change
            if max(pending.values()) <= SETTLED:
                return
        warnings.warn(
            f"Pieces that overlap still changed each other by {max(pending.values()):.0e} after "
            f"{MOST_SWEEPS} rounds; the result is the best so far. More `memory` makes fewer "
            "pieces.",
            ConvergenceWarning,
            stacklevel=4,
        )

    def _start(self, cut: list[int]) -> None:
        """Give the pieces that overlap the alpha of a smaller picture."""
        progress.tell(progress.Step("solving a smaller picture"))
        some = np.unique(np.concatenate([self.pieces[k].cells for k in cut]))
        box = self.cells.box(some, self.cells.side)
        factor = factor_for(self.cells, some, box, self.room)
        small = small_alpha(self.picture, box, factor)
        origin = box[0].start, box[1].start
        for number in cut:
            cells = self.pieces[number].cells
            part = self.cells.box(cells, 0)
            place = self.cells.mask(cells, part) & (self.picture.levels.read(*part) == 128)
            alpha = enlarged(small, factor, origin, part)
            self.state.put(part, place, alpha[place])

    def _visit(self, number: int) -> Visit:
        """Solve one piece and keep its alpha."""
        piece = self.pieces[number]
        box = self.cells.box(piece.cells, self.room.margin)
        inside = self.cells.mask(piece.cells, box)
        before = self.state.alpha(box)
        system = self.picture.system(box, inside, before)
        place = system.place
        options = {} if piece.alone else {"start": before, "solver": _stricter(self.picture.solver)}
        alpha, solution = quietly(system, **options)
        found = alpha.astype(np.float32)
        changes = {} if piece.alone else self._changes(number, box, place, found - before[place])
        visit = Visit(
            number,
            changes,
            solution.iterations,
            float(solution.residual),
            bool(solution.converged),
        )
        del system, alpha
        self.state.keep(visit, box, place, found)
        self._tell(piece)
        return visit

    def _changes(self, number: int, box, place, change) -> dict[int, float]:
        """Return by how much the cells beside each other piece have changed at most."""
        y, x = np.nonzero(place)
        side, width = self.cells.side, self.cells.counts.shape[1]
        of = (y + box[0].start) // side * width + (x + box[1].start) // side
        cells = self.pieces[number].cells
        most = np.zeros(len(cells), np.float32)
        np.maximum.at(most, np.searchsorted(cells, of), np.abs(change))
        found = {}
        for other, piece in enumerate(self.pieces):
            _, mine, _ = np.intersect1d(cells, piece.beside, True, return_indices=True)
            if mine.size and other != number:
                found[other] = float(most[mine].max())
        return found

    def _tell(self, piece: Piece) -> None:
        total = int(self.cells.counts.sum())
        self.fresh += self.cells.unknowns(piece.cells)
        self.done = min(self.done + self.cells.unknowns(piece.cells), total)
        speed = self.fresh / (time.monotonic() - self.begun)
        text = f"{self.done:,} of {total:,} unknown pixels, {speed:,.0f} a second"
        progress.tell(progress.Step(text, self.done / total))
