"""How far alpha may be from the truth, pixel by pixel."""

from __future__ import annotations

import numpy as np

from alphamat.door.image import Pixels
from alphamat.door.parameters import as_count, as_flag
from alphamat.doubts.sampling import Sampler, as_system, calibrated
from alphamat.system import System
from solvers.inverse import inverse_diagonal


def uncertainty(
    image: Pixels | System,
    trimap: Pixels | None = None,
    *,
    probes: int = 24,
    exact: bool = False,
    seed: int = 0,
) -> np.ndarray:
    """Estimate how far alpha may be from the truth, as a standard deviation of each pixel.

    Parameters
    ----------
    image : (H, W), (H, W, 3) or (H, W, 4) array_like, or PIL image; or a System
        A picture is matted by `closed_form`. Systems of `closed_form_system`,
        `learning_based_system`, `learned_system`, `shared_sampling_system` and `random_walk_system`
        tell of those methods.
    trimap : (H, W) array_like, or PIL image
        See `as_trimap`. A system has one, and takes another.
    probes : int
        Samples that are drawn, at least 2. The relative error of a deviation below 0.2, as the root
        of its mean square, is √(2 / `probes`): 29 % with 24. Neighbouring pixels err alike.
    exact : bool
        Find the deviations by factors of the matrix instead: for small pictures, or thin bands.
    seed : int
        Of the random numbers: the same gives the same again.

    Returns
    -------
    (H, W) float64 array in [0, 0.5]; 0 where alpha is held exactly.

    Raises
    ------
    TypeError, ValueError
        If an argument is refused, or it is not known how sure the system's method is.

    Warns
    -----
    ConvergenceWarning
        If double precision does not determine the alpha of some areas. They get 0.5.

    Notes
    -----
    If the Laplacian is an inverse covariance, the variances are the diagonal of A⁻¹. On photographs
    with true alphas errors grow as these, not as their roots; so the deviation is σ times the
    diagonal, with σ fitted for each method. docs/uncertainty.md tells how many pixels lie within
    one deviation and within two.

    Examples
    --------
    >>> import alphamat
    >>> from alphamat import examples
    >>> image, trimap = examples.astronaut()
    >>> deviation = alphamat.uncertainty(image, trimap, probes=8)
    >>> float(deviation[trimap != 128].max())
    0.0
    """
    system, spread = as_system(image, trimap)
    probes = as_count(probes, "probes", least=2)
    deviation = np.zeros(system.place.shape)
    if not system.place.any():
        return deviation
    if as_flag(exact, "exact"):
        variance = inverse_diagonal(system.held_where_loose()[0])
    else:
        rng = np.random.default_rng(as_count(seed, "seed", least=0))
        sampler, variance = Sampler.of(system, spread), np.zeros(np.count_nonzero(system.place))
        for _ in range(probes):
            variance += sampler.draw(rng) ** 2 / probes
    deviation[system.place] = calibrated(variance, spread.sigma)
    return deviation
