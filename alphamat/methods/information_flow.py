"""Information-flow matting.

Aksoy, Aydın & Pollefeys, "Designing Effective Inter-Pixel Information Flow for Natural Image
Matting", CVPR 2017. Its section 3 has four flows, which are four terms of one quadratic energy.
Embeddings: Roweis & Saul, "Nonlinear Dimensionality Reduction by Locally Linear Embedding",
Science 290, 2000.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from itertools import combinations_with_replacement
from typing import Any

import numpy as np

from alphamat import memory
from alphamat.door.image import Pixels, as_image
from alphamat.door.parameters import as_count, as_flag, as_positive
from alphamat.laplacians.colour_line import colour_line_laplacian
from alphamat.laplacians.neighbours import Edges, assemble, nearest, with_position
from alphamat.laplacians.windows import parse_parameters
from alphamat.methods import _information_flow_kernels as kernels
from alphamat.system import Laplacian, System, alpha_system, rows_of_picture
from alphamat.trimap import Trimap, as_trimap
from solvers import Solver, StencilMatrix, cg, multigrid
from solvers.grid import dilate
from solvers.loops import over_range
from solvers.operators import product

RIDGE = 1e-10  # of the embeddings, on colours in [0, 1]
ALIKE, UNLIKE = 0.25, 0.9  # Bhattacharyya distances of section 4's trimming
PATCHES = 5  # a patch is compared with so many nearest patches of each layer
BINS = 10
BEYOND_LAYERS = 0.0099  # in a transparent matte, the layers' colours leave more unexplained
MIXTURES = 0.5  # weight of the matting Laplacian that stands for the mixtures


def multigrid_of_flows(A: Flows) -> Callable[[np.ndarray], np.ndarray]:
    """Return `solvers.multigrid` of a stencil that stands for all flows, a preconditioner.

    Mixtures leave alone what is affine in colour, and so does the matting Laplacian, which stands
    for them with the weight MIXTURES.
    """
    local = A.local
    assert isinstance(local, StencilMatrix)
    stencil = replace(local, planes=(A.local_weight + MIXTURES) * local.planes)
    return multigrid(stencil.shifted(A.pull + A.similarity.diagonal()))


SOLVER: Solver = partial(cg, preconditioner=multigrid_of_flows, rtol=1e-8)


def information_flow(
    image: Pixels,
    trimap: Pixels,
    *,
    mixture_neighbours: int = 20,
    known_neighbours: int = 7,
    similar_neighbours: int = 5,
    known_weight: float = 0.05,
    similarity_weight: float = 0.01,
    local_weight: float = 1.0,
    epsilon: float = 1e-6,
    known_flow: bool | None = None,
    confidence: float | None = None,
    solver: Solver = SOLVER,
) -> np.ndarray:
    """Estimate alpha by letting it flow between pixels whose colours explain each other.

    A pixel's alpha follows from pixels whose colours mix to its own (colour-mixture flow, with
    weight 1), from the nearest known colours of each layer (known-to-unknown flow), from unknown
    pixels of similar colour (intra-unknown flow), and from its surroundings (local flow, the
    matting Laplacian). Together these reach holes and distant details that local methods miss.

    Parameters
    ----------
    image : (H, W), (H, W, 3) or (H, W, 4) array_like, or PIL image
        uint8, uint16 or floating point in [0, 1]; H and W at least 3. See `as_image`.
    trimap : (H, W) array_like, or PIL image
        0 is known background, full scale known foreground, all between unknown. See `as_trimap`.
    mixture_neighbours, known_neighbours, similar_neighbours : int
        How many pixels mix to a pixel's colour; with how many known pixels of each layer it is
        compared; to how many unknown pixels it is tied. Fewer if the picture has fewer.
    known_weight, similarity_weight, local_weight : float
        σ_KU, σ_UU and σ_L, the weights of the other flows, positive.
    epsilon : float
        ε of the matting Laplacian.
    known_flow : bool, optional
        Whether to use known-to-unknown flow: energy E₁ of the paper, else E₂. None leaves it out
        if the unknown colours are no mixture of the known ones nearby. That is so in highly
        transparent objects.
    confidence : float, optional
        λ, the weight with which known pixels are held to the trimap; the authors use 100. None
        holds them exactly.
    solver : callable
        `solver(A, b) -> solvers.Solution`. By default conjugate gradients with multigrid, which
        sees the mixtures as matting Laplacians: they join pixels too far apart for a grid. On a
        photograph of a megapixel that took 200 iterations, and alpha was wrong by 4e-7 at most. The
        default tolerance is 1e-8, since the residual hardly shows the error of weakly tied pixels.
        With Jacobi's preconditioner it took 470 iterations, and needs 1e-10.

    Returns
    -------
    (H, W) float64 array, alpha in [0, 1]; exactly the trimap on known pixels unless `confidence`
    is given.

    Raises
    ------
    TypeError, ValueError
        If an argument is refused; the message says why.
    MemoryError
        If this machine cannot hold the system.

    Warns
    -----
    ConvergenceWarning
        If the solver did not reach its tolerance.

    Notes
    -----
    The local flow is the matting Laplacian of windows of nine pixels, which is symmetric. The
    authors' code divides each row by its sum, which is the same away from the borders. Their code
    also trims trimaps along edges, which is left out here. Trimming by patches (section 4) is kept.

    Examples
    --------
    >>> import alphamat
    >>> from alphamat import examples
    >>> scene = examples.synthetic(examples.fur, 96, 128, seed=5)
    >>> alpha = alphamat.information_flow(scene.image, scene.trimap)
    >>> bool(abs(alpha - scene.alpha).mean() < 0.1)
    True
    """
    options = {
        "mixture_neighbours": mixture_neighbours,
        "known_neighbours": known_neighbours,
        "similar_neighbours": similar_neighbours,
        "known_weight": known_weight,
        "similarity_weight": similarity_weight,
        "local_weight": local_weight,
        "epsilon": epsilon,
        "known_flow": known_flow,
        "confidence": confidence,
        "solver": solver,
    }
    return information_flow_system(image, trimap, **options).solve().alpha


def information_flow_system(
    image: Pixels,
    trimap: Pixels,
    *,
    mixture_neighbours: int = 20,
    known_neighbours: int = 7,
    similar_neighbours: int = 5,
    known_weight: float = 0.05,
    similarity_weight: float = 0.01,
    local_weight: float = 1.0,
    epsilon: float = 1e-6,
    known_flow: bool | None = None,
    confidence: float | None = None,
    solver: Solver = SOLVER,
) -> System:
    """Return the system that `information_flow` solves, of the same arguments."""
    image = as_image(image)
    trimap = as_trimap(trimap, shape=image.shape[:2])
    epsilon, _ = parse_parameters(image.shape[:2], epsilon, radius=1)
    mixture_neighbours = as_count(mixture_neighbours, "mixture_neighbours")
    known_neighbours = as_count(known_neighbours, "known_neighbours")
    similar_neighbours = as_count(similar_neighbours, "similar_neighbours")
    known_weight = as_positive(known_weight, "known_weight")
    similarity_weight = as_positive(similarity_weight, "similarity_weight")
    local_weight = as_positive(local_weight, "local_weight")
    known_flow = None if known_flow is None else as_flag(known_flow, "known_flow")
    local = rows_of_picture(
        lambda pixels: colour_line_laplacian(image, pixels, epsilon=epsilon, radius=1)
    )
    mixed, mixtures = np.empty(0, int), None

    def flows(trimap: Trimap, rows: np.ndarray) -> Flows:
        nonlocal mixed, mixtures
        counts = mixture_neighbours, known_neighbours, similar_neighbours
        _refuse_beyond_memory(trimap, rows, *counts)
        unknown, flat = np.flatnonzero(trimap.unknown), rows.ravel()
        if mixtures is None or not np.isin(unknown, mixed).all():
            mixed, mixtures = unknown, colour_mixtures(image, unknown, mixture_neighbours)
        same = unknown.size == mixed.size
        mixture = mixtures if same else mixtures[np.searchsorted(mixed, unknown)]
        similarity = similar_unknowns(image, unknown, rows, similar_neighbours)
        weight, target = np.zeros((2, unknown.size))
        if known_flow or (known_flow is None and not is_highly_transparent(image, trimap)):
            target, weight = known_to_unknown(image, trimap, known_neighbours)
        return Flows(
            mixture,
            inner := _columns(mixture, flat),
            inner.T.tocsr(),
            similarity_weight * similarity,
            local_weight / 9,
            local(trimap, rows),
            known_weight * _at(unknown, weight, flat),
            _at(unknown, target, flat),
            rows,
        )

    return alpha_system(flows, trimap, confidence=confidence, solver=solver)


def colour_mixtures(image: np.ndarray, unknown: np.ndarray, count: int):
    """Return the rows of I - W that belong to unknown pixels, a CSR array (eqs. 1 and 2).

    Each pixel is a mixture of its neighbours. These are near in colour and position; only their
    colours are mixed.
    """
    from scipy.sparse import csr_array

    points = _placed(image, 1.0)
    members = nearest(points, unknown, np.arange(len(points)), count)
    weights = embed(image.reshape(-1, 3), unknown, members)
    columns = np.concatenate([unknown[:, None], members], axis=1, dtype=np.int32)
    values = np.concatenate([np.ones((unknown.size, 1)), -weights], axis=1)
    starts = np.arange(0, columns.size + 1, columns.shape[1], dtype=np.int32)
    return csr_array((values.ravel(), columns.ravel(), starts), shape=(unknown.size, len(points)))


def embed(colours: np.ndarray, pixels: np.ndarray, members: np.ndarray) -> np.ndarray:
    """Return weights (m, k) that mix the colours of m pixels from their k members; rows sum to 1.

    They minimise |c - Σ w_q c_q|² + ridge |w|². With D = (c_q - c), w is proportional to
    (Dᵀ D + ridge)⁻¹ 1, and so to 1 - Dᵀ (D Dᵀ + ridge)⁻¹ D 1, which takes a 3 × 3 system.
    """
    weights = np.empty(members.shape)
    arguments = colours, pixels, members, RIDGE, weights
    over_range(kernels.embed, len(pixels), 20 * members.size, *arguments)
    return weights


def known_to_unknown(image: np.ndarray, trimap: Trimap, count: int):
    """Return each unknown pixel's alpha by the nearest known colours, and the weight of it.

    Equations 3 to 6. A pixel is mixed of pixels of both layers, and its alpha is w_F, the share of
    the foreground. The weight is η = |c_F - c_B|² / 3, where c_F and c_B are the layers' parts of
    the pixel's colour. It is 1 for pixels that trimming decides.
    """
    trimmed = trim_by_patches(image, trimap)
    colours, points = image.reshape(-1, 3), _placed(image, 10.0)
    share, weight = trimmed.foreground.astype(np.float64).ravel(), np.ones(len(points))
    asked = np.flatnonzero(trimmed.unknown)
    layers = [np.flatnonzero(layer) for layer in trimmed]
    members = [nearest(points, asked, layer, count) for layer in layers]
    weights = embed(colours, asked, np.concatenate(members, axis=1))
    parts = np.split(weights, [members[0].shape[1]], axis=1)
    c_F, c_B = (np.einsum("mk,mki->mi", w, colours[m]) for w, m in zip(parts, members, strict=True))
    share[asked], weight[asked] = parts[0].sum(axis=1), ((c_F - c_B) ** 2).sum(axis=1) / 3
    unknown = trimap.unknown.ravel()
    return share[unknown], weight[unknown]


def similar_unknowns(image: np.ndarray, unknown: np.ndarray, rows: np.ndarray, count: int):
    """Return D - W among `rows`, a CSR array, of the graph that joins similar unknown pixels.

    Equations 7 and 8: w_pq = max(1 - |v_p - v_q|₁, 0), where v is colour and a twentieth of
    position. Half of it counts if p found q, and half if q found p.
    """
    points = _placed(image, 0.05)
    members = nearest(points, unknown, unknown, count)
    weights = np.maximum(1 - np.abs(points[members] - points[unknown, None]).sum(axis=2), 0)
    return assemble([Edges(unknown, members, weights / 2)], rows).matrix


@dataclass(frozen=True, eq=False)
class Flows:
    """The system of all flows (eq. 9): half of the energy's gradient at the pixels to solve for."""

    mixture: Any  # (m, N) CSR: I - W_CM of the unknown pixels
    inner: Any  # its columns at the pixels to solve for
    outer: Any  # the transpose of these
    similarity: Any  # (n, n) CSR
    local_weight: float
    local: Laplacian
    pull: np.ndarray  # (n,) weight of the known-to-unknown flow
    target: np.ndarray  # (n,) the alpha of that flow
    rows: np.ndarray  # (H, W) mask of the n pixels

    @property
    def shape(self) -> tuple[int, int]:
        return self.similarity.shape

    def __matmul__(self, x: np.ndarray) -> np.ndarray:
        y = self.local @ x
        y *= self.local_weight
        y += self.pull * x
        y += product(self.similarity, x)
        y += product(self.outer, product(self.inner, x))
        return y

    def couple(self, field: np.ndarray) -> np.ndarray:
        """Return half of the gradient at an (H, W) alpha."""
        x = field[self.rows]
        return (
            self.outer @ (self.mixture @ field.ravel())
            + self.similarity @ x
            + self.local_weight * self.local.couple(field)
            + self.pull * (x - self.target)
        )

    def diagonal(self) -> np.ndarray:
        squares = self.inner.multiply(self.inner).sum(axis=0)
        local = self.local_weight * self.local.diagonal()
        return squares + self.similarity.diagonal() + local + self.pull

    def shifted(self, shift: np.ndarray) -> Flows:
        """Return this system plus diag(shift)."""
        return replace(self, pull=self.pull + shift)


def trim_by_patches(image: np.ndarray, trimap: Trimap) -> Trimap:
    """Return a trimap that also knows unknown pixels whose patch is like one layer's (section 4).

    Patches of 3 × 3 pixels are normal distributions of colour, compared by Bhattacharyya's
    distance. A pixel joins a layer if its patch is closer than ALIKE to one of the nearest patches
    there, and farther than UNLIKE from all of the other layer's.
    """
    mean, covariance = patches(image)
    asked = np.flatnonzero(trimap.unknown)
    closest = []
    for layer in trimap:
        members = nearest(mean, asked, np.flatnonzero(layer), PATCHES)
        closest.append(np.empty(asked.size))
        arguments = mean, covariance, asked, members, closest[-1]
        over_range(kernels.closest, asked.size, 100 * members.size, *arguments)
    to_foreground, to_background = closest
    trimmed = Trimap(trimap.foreground.copy(), trimap.background.copy())
    trimmed.foreground.flat[asked[(to_foreground < ALIKE) & (to_background > UNLIKE)]] = True
    trimmed.background.flat[asked[(to_background < ALIKE) & (to_foreground > UNLIKE)]] = True
    return trimmed


def patches(image: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return mean (N, 3) and covariance (N, 6) of the colours around each pixel.

    Covariances are the upper halves of symmetric 3 × 3 matrices, row by row.
    """
    import cv2

    smooth = partial(cv2.blur, ksize=(3, 3), borderType=cv2.BORDER_REPLICATE)
    mean = smooth(image)
    covariance = np.empty((*image.shape[:2], 6))
    for at, (c, d) in enumerate(combinations_with_replacement(range(3), 2)):
        product = smooth(image[..., c] * image[..., d])
        covariance[..., at] = product - mean[..., c] * mean[..., d] + 1e-8 * (c == d)
    return mean.reshape(-1, 3), covariance.reshape(-1, 6)


def is_highly_transparent(image: np.ndarray, trimap: Trimap) -> bool:
    """Return whether the unknown colours are no mixture of the known ones within 10 px (3.5).

    The histograms of both layers are fitted to the unknown region's by least squares.
    """
    near = dilate(trimap.unknown, 10)
    regions = trimap.foreground & near, trimap.background & near, trimap.unknown
    if not all(region.any() for region in regions):
        return False
    *layers, unknown = (
        np.concatenate([np.histogram(image[region][:, c], BINS, (0, 1))[0] for c in range(3)])
        / np.count_nonzero(region)
        for region in regions
    )
    layers = np.stack(layers, axis=1)
    mix = np.linalg.lstsq(layers, unknown)[0]
    return bool(np.linalg.norm(layers @ mix - unknown) / unknown.size > BEYOND_LAYERS)


def _placed(image: np.ndarray, weight: float) -> np.ndarray:
    """Return colour, and weighted row and column in shares of the image's height and width."""
    height, width = image.shape[:2]
    return with_position(image, (weight / height, weight / width))


def _columns(rows, chosen: np.ndarray):
    """Return the columns of a CSR array that a mask marks."""
    from scipy.sparse import csr_array

    number = np.cumsum(chosen, dtype=np.int32) - 1
    kept = chosen[rows.indices]
    starts = np.concatenate([[0], np.cumsum(kept)], dtype=np.int32)[rows.indptr]
    shape = (rows.shape[0], int(np.count_nonzero(chosen)))
    return csr_array((rows.data[kept], number[rows.indices[kept]], starts), shape=shape)


def _at(pixels: np.ndarray, values: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """Return the values of the pixels that the mask `rows` marks; zero where none is given."""
    everywhere = np.zeros(rows.size)
    everywhere[pixels] = values
    return everywhere[rows]


def _refuse_beyond_memory(
    trimap: Trimap, rows: np.ndarray, mixture: int, known: int, similar: int
) -> None:
    unknown, free = int(np.count_nonzero(trimap.unknown)), int(np.count_nonzero(rows))
    mixture = min(mixture, rows.size)
    known = sum(min(known, int(np.count_nonzero(part))) for part in trimap)
    similar = min(similar, unknown)
    bytes_each = 40 * mixture + 20 * known + 150 * similar
    memory.refuse_beyond(
        bytes_each * unknown + 600 * free + 200 * rows.size,
        f"The system of {unknown:,} unknown pixels with {mixture + known + similar:,} neighbours "
        "each",
        "Narrow the unknown region, or make the image smaller.",
    )
