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
from hashlib import blake2b
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np

from alphamat import progress
from alphamat.door.parameters import as_count, parameters
from alphamat.io.windows import copy_to, windows_of
from alphamat.laplacians.windows import bytes_of_system, parse_parameters
from alphamat.method import name_of
from alphamat.methods.closed_form import closed_form
from alphamat.system import ConvergenceWarning
from alphamat.tiles.networks import run_on_tiles, side_for
from alphamat.tiles.picture import Picture, copy_trimap, count_unknown
from alphamat.tiles.plan import Cells, Piece, Room, pieces
from alphamat.tiles.start import enlarged, factor_for, quietly, small_alpha
from alphamat.tiles.state import Box, State, Visit
from alphamat.tiles.ways import way_of, words
from alphamat.tiles.writing import refuse_output, write
from solvers import Solution, Solver, StencilMatrix

BASE = 350 * 2**20  # bytes of this process before it solves anything: libraries, compiled kernels
LEAST_MEMORY = 512 * 2**20
STRICTER = 0.1
SETTLED = 2**-11  # a change of alpha beside a piece that needs no other solution of it
MOST_SWEEPS = 40


def matte(
    image: Any,
    trimap: Any,
    output: str | os.PathLike[str],
    *,
    method: Callable[..., np.ndarray] = closed_form,
    memory: int = 2 * 2**30,
    bits: int = 8,
) -> None:
    """Write the alpha of a picture that may be larger than memory.

    Where a method solves a system, it is the alpha of the whole picture, up to the solver's
    tolerance. Networks see tiles that overlap. Time and disk space go with the unknown pixels, and
    the picture is read where these are.

    Parameters
    ----------
    image : path, or (H, W), (H, W, 3) or (H, W, 4) array
        TIFF or Zarr of any size; PNG, JPEG and WebP have to fit into `memory` as they are read
        whole. Packed TIFFs without tiles are unpacked beside the output first. ICC profiles are
        heeded. Arrays are those of NumPy, Dask, Zarr and their like; see `as_image`.
    trimap : path, or (H, W) array
        As the image. See `as_trimap`.
    output : path ending in .tif, .tiff or .zarr
        BigTIFF in tiles, or OME-Zarr. It appears when it is complete. Until then a folder
        beside it, .NAME.partial, keeps what is done: after a crash the same call goes on from
        there, if an array has the shape, the dtype and some rows that it had. The folder takes 5
        bytes for each pixel, where the file system keeps no holes.
    method : callable
        `closed_form` or `learning_based`; options but `confidence` may be bound with
        `functools.partial`. Or a loaded network that takes a trimap and does not resize pictures.
    memory : int
        Bytes that this process may take, at least 512 MiB. 350 MiB of these are for the program
        itself. Networks in JAX may take a little more.
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
    >>> import tempfile, pathlib
    >>> from alphamat import examples, read_image
    >>> from alphamat.tiles import matte
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     output = pathlib.Path(folder, "alpha.tif")
    ...     matte(*examples.astronaut(), output)
    ...     read_image(output).dtype
    dtype('uint8')
    """
    memory = as_count(memory, "memory", least=LEAST_MEMORY, most=None)
    if bits not in (8, 16):
        raise ValueError(f"`bits` is {bits}; expected 8 or 16.")
    way = way_of(method)
    output = Path(output)
    refuse_output(output)
    with ExitStack() as files:
        most = memory - BASE
        given = files.enter_context(windows_of(image, most=most))
        hints = files.enter_context(windows_of(trimap, most=most, name="trimap"))
        epsilon, radius = parse_parameters(given.size, way.epsilon, way.radius)
        about = {
            "inputs": [_stamp(path) for path in (image, trimap)],
            "method": [*way.told, epsilon, radius, words(way.solver)],
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
        cells = count_unknown(levels, 2 * radius, given.rows)
        if way.network is not None:
            side = side_for(way.network, name_of(method), _share(memory))
            run_on_tiles(way.network, Picture(given, levels), cells, state, side)
        if way.rows is not None:
            rows = partial(_rows, way.rows, epsilon=epsilon, radius=radius)
            room = Room(_share(memory), bytes_of_system(1, radius, 1), 2 * radius)
            picture = Picture(given, levels, rows, way.solver)
            Work(picture, state, cells, room, pieces(cells, room)).run()
        progress.tell(progress.Step("writing"))
        write(output, state, levels, bits)
        state.remove()


def _share(memory: int) -> int:
    """Return the bytes that the arrays of a piece may take."""
    return memory - BASE


def _rows(laplacian, image: np.ndarray, mask: np.ndarray, **options) -> StencilMatrix:
    return laplacian(image, mask, **options)


def _stricter(solver: Solver, **options: Any) -> Solver:
    """Return a solver with smaller tolerances: what pieces that overlap leave adds up."""
    known = parameters(solver)
    given = {name: known[name].default for name in ("rtol", "xtol") if name in known}
    smaller = {name: STRICTER * value for name, value in given.items() if isinstance(value, float)}
    return partial(solver, **smaller, **options)


def _stamp(source: Any) -> list:
    """Return what changes when a file does, or an array."""
    if not isinstance(source, str | os.PathLike):
        some = np.ascontiguousarray(source[:: -(-source.shape[0] // 16)])
        return [list(source.shape), str(source.dtype), blake2b(some.tobytes()).hexdigest()]
    about = os.stat(source)
    return [os.path.abspath(source), about.st_size, about.st_mtime_ns]


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
        made, unsettled = 0, 0.0
        numbers = range(len(self.pieces))
        for area, some in groupby(numbers, lambda number: self.pieces[number].area):
            group = list(some)
            once = [k for k in group if area is None or self.pieces[k].once]
            pending = dict.fromkeys((k for k in group if k not in once), np.inf)
            if pending and made == len(self.state.visits):
                self._start(list(pending))
            for number in once:
                yield number
                made += 1
            for _ in range(MOST_SWEEPS):
                for number in pending:
                    if pending[number] <= SETTLED:
                        continue
                    visit = yield number
                    made += 1
                    pending[number] = 0.0
                    for other, change in visit.changes.items():
                        pending[other] += change
            unsettled = max([unsettled, *pending.values()])
        if unsettled > SETTLED:
            warnings.warn(
                f"Pieces that overlap still changed each other by {unsettled:.0e} after "
                f"{MOST_SWEEPS} rounds; the result is the best so far. More `memory` makes fewer "
                "pieces.",
                ConvergenceWarning,
                stacklevel=4,
            )

    def _start(self, cut: list[int]) -> None:
        """Give the pieces of an area the alpha of a smaller picture."""
        first = self._of_smaller_picture(cut)
        for number in cut:
            cells = self.pieces[number].cells
            box = self.cells.box(cells, 0)
            place = self.cells.mask(cells, box) & (self.picture.levels.read(*box) == 128)
            self.state.put(box, place, first(box)[place])

    def _of_smaller_picture(self, cut: list[int]) -> Callable[[Box], np.ndarray]:
        """Return a smaller picture's alpha, enlarged, as a function of a box."""
        progress.tell(progress.Step("solving a smaller picture"))
        some = np.unique(np.concatenate([self.pieces[k].cells for k in cut]))
        box = self.cells.box(some, self.cells.side)
        factor = factor_for(self.cells, some, box, self.room)
        small = small_alpha(self.picture, self.cells, box, factor, self.room.margin)
        return partial(enlarged, small, factor, (box[0].start, box[1].start))

    def _visit(self, number: int) -> Visit:
        """Solve one piece and keep its alpha."""
        piece = self.pieces[number]
        box = self.cells.box(piece.cells, self.room.margin)
        colours = self.picture.colours(box, self.cells.windows(piece.cells, self.room.margin))
        levels, inside = self.picture.levels.read(*box), self.cells.mask(piece.cells, box)
        before = None if piece.area is None else self.state.alpha(box)
        system = self.picture.held(colours, levels, inside, before)
        del colours, levels, inside
        place, options, changes = system.place, {}, {}
        if before is not None:
            start = before[place] - system.given[place]
            options["solver"] = _stricter(self.picture.solver, x0=start)
        alpha, solution = quietly(system, **options)
        found = alpha.astype(np.float32)
        del system, alpha
        if before is not None:
            changes = self._changes(number, box, place, found - before[place])
        visit = Visit(
            number,
            changes,
            solution.iterations,
            float(solution.residual),
            bool(solution.converged),
        )
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
        if not piece.once:
            self.done = min(self.done + self.cells.unknowns(piece.cells), total)
        speed = self.fresh / (time.monotonic() - self.begun)
        text = f"{self.done:,} of {total:,} unknown pixels, {speed:,.0f} a second"
        progress.tell(progress.Step(text, self.done / total))
