"""Systems: what the solving methods solve, and what can be done with it before and after."""

import inspect
from functools import partial

import numpy as np
import pytest

import alphamat
from alphamat.method import SYSTEMS, system_of
from alphamat.system import ConvergenceWarning, collecting
from solvers import Solution, cg, direct

H, W = 17, 22
METHODS = {made.__name__.removesuffix("_system"): made for made in SYSTEMS.values()}
every_system = pytest.mark.parametrize("make", METHODS.values(), ids=METHODS)
tight = partial(cg, rtol=1e-11)


def picture():
    """A soft edge between two grainy colours, and a trimap that leaves two thirds unknown."""
    rng = np.random.default_rng(83)
    truth = np.clip((np.arange(W) + 2 * np.sin(np.arange(H))[:, None] - 7) / 8, 0, 1)[..., None]
    image = truth * [0.9, 0.5, 0.2] + (1 - truth) * [0.1, 0.3, 0.7]
    trimap = np.full((H, W), 0.5)
    trimap[:, :3], trimap[:, -3:] = 0, 1
    return np.clip(image + 0.05 * rng.random((H, W, 3)), 0, 1), trimap


def strokes(kind):
    """Return the trimap with more known pixels, with fewer, or with others."""
    _, trimap = picture()
    if kind in ("more", "others"):
        trimap[4:9, 3:6], trimap[10:13, 15:19] = 0, 1
    if kind in ("fewer", "others"):
        trimap[:6, :2] = trimap[9:, -2:] = 0.5
    return trimap


@pytest.mark.parametrize("method", SYSTEMS, ids=METHODS)
def test_a_method_is_the_solution_of_its_system(method):
    image, trimap = picture()
    make = SYSTEMS[method]
    ours, theirs = (inspect.signature(f).parameters for f in (method, make))
    assert ours == theirs
    alpha, solution = make(image, trimap).solve()
    assert solution.converged
    np.testing.assert_array_equal(method(image, trimap), alpha)


@pytest.mark.parametrize("confidence", [None, 50.0])
@every_system
def test_alpha_solves_the_equations(make, confidence):
    system = make(*picture(), confidence=confidence, solver=tight)
    alpha, solution = system.solve()
    A, b = system.matrix, system.right_hand_side
    assert A.shape == (b.size, b.size) == (system.place.sum(),) * 2
    known = picture()[1] != 0.5
    held = 0 if confidence is None else confidence * known.ravel()
    np.testing.assert_allclose(A.diagonal() - system.laplacian.diagonal(), held, atol=1e-12)
    dense = np.stack([A @ column for column in np.eye(b.size)], axis=1)
    exact = np.linalg.solve(dense, b)
    np.testing.assert_allclose(solution.x, exact, rtol=0, atol=1e-6)
    np.testing.assert_allclose(
        alpha[system.place], np.clip(system.given[system.place] + exact, 0, 1), atol=1e-6
    )
    assert system.residual(system.given) == 1
    unclipped = (solution.x + system.given[system.place] == alpha[system.place]).all()
    assert system.residual(alpha) < 1e-9 or not unclipped


@pytest.mark.parametrize("confidence", [None, 50.0])
@pytest.mark.parametrize("kind", ["more", "fewer", "others", "the same"])
@every_system
def test_another_trimap_gives_what_a_new_system_gives(make, kind, confidence):
    image, trimap = picture()
    other, options = strokes(kind), {"confidence": confidence, "solver": tight}
    again = make(image, trimap, **options).again(other)
    fresh = make(image, other, **options)
    np.testing.assert_array_equal(again.place, fresh.place)
    np.testing.assert_allclose(again.right_hand_side, fresh.right_hand_side, rtol=0, atol=1e-12)
    np.testing.assert_allclose(again.solve().alpha, fresh.solve().alpha, rtol=0, atol=1e-6)
    back = again.again(trimap)
    np.testing.assert_allclose(
        back.solve().alpha, make(image, trimap, **options).solve().alpha, rtol=0, atol=1e-6
    )


@pytest.mark.parametrize(
    ("name", "costly"),
    [
        ("closed_form", "closed_form.colour_line_laplacian"),
        ("learning_based", "learning_based.local_learning_laplacian"),
        ("random_walk", "random_walk.random_walk_laplacian"),
        ("knn", "knn.affinities"),
        ("information_flow", "information_flow.colour_mixtures"),
    ],
)
def test_rows_and_neighbours_that_are_there_are_not_sought_again(name, costly, monkeypatch):
    system = METHODS[name](*picture())

    def refuse(*arguments, **options):
        raise AssertionError("made again")

    monkeypatch.setattr(f"alphamat.methods.{costly}", refuse)
    for kind in ("the same", "more"):
        assert system.again(strokes(kind)).solve().solution.converged
    with pytest.raises(AssertionError, match="made again"):
        system.again(strokes("fewer"))


@pytest.mark.parametrize("confidence", [None, 50.0])
@every_system
def test_a_start_at_the_solution_leaves_nothing_to_do(make, confidence):
    system = make(*picture(), confidence=confidence)
    alpha, solution = system.solve()
    assert solution.iterations > 0
    unclipped = (system.given[system.place] + solution.x == alpha[system.place]).all()
    again = system.solve(start=alpha).solution
    assert again.iterations == 0 if unclipped else again.iterations <= solution.iterations


def test_it_can_be_solved_by_another_solver():
    system = alphamat.closed_form_system(*picture())
    alpha, solution = system.solve(direct)
    assert solution.iterations == 0
    np.testing.assert_allclose(alpha, system.solve(tight).alpha, rtol=0, atol=1e-6)


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"solver": "cg"}, TypeError, "`solver` is 'cg'; expected a function"),
        (
            {"start": np.zeros((H, W + 1))},
            ValueError,
            "`start` is 17 × 23 and the image is 17 × 22",
        ),
        ({"start": np.full((H, W), np.nan)}, ValueError, "`start` contains NaN"),
        ({"start": np.zeros((H, W)), "solver": direct}, ValueError, "takes no `x0` to start from"),
    ],
)
def test_it_refuses_to_solve_nonsense(options, error, message):
    system = alphamat.closed_form_system(*picture())
    with pytest.raises(error, match=message):
        system.solve(**options)


def test_another_trimap_has_to_fit_the_picture():
    system = alphamat.closed_form_system(*picture())
    with pytest.raises(ValueError, match="`trimap` is 5 × 6 and the image is 17 × 22"):
        system.again(np.zeros((5, 6)))
    with pytest.raises(ValueError, match="`trimap` marks no foreground"):
        system.again(np.zeros((H, W)))


@every_system
def test_a_solver_is_refused_before_the_work(make, monkeypatch):
    def refuse(*arguments, **options):
        raise AssertionError("the system was made first")

    monkeypatch.setattr("alphamat.system.System", refuse)
    with pytest.raises(TypeError, match="`solver` is 'cg'"):
        make(*picture(), solver="cg")


def test_solutions_are_collected_wherever_they_are_found():
    image, trimap = picture()
    solutions = []
    with collecting(solutions):
        alphamat.closed_form(image, trimap)
        alphamat.shared_sampling(image, trimap)
        (lambda *inputs: alphamat.knn(*inputs))(image, trimap)
    alphamat.fast(image, trimap)
    assert len(solutions) == 2
    assert all(isinstance(solution, Solution) and solution.converged for solution in solutions)


def test_shared_sampling_with_trust_has_a_system_too():
    image, trimap = picture()
    system = alphamat.shared_sampling_system(image, trimap, trust=0.2)
    alpha = alphamat.shared_sampling(image, trimap, trust=0.2)
    np.testing.assert_array_equal(system.solve().alpha, alpha)
    other = strokes("more")
    np.testing.assert_allclose(
        system.again(other).solve().alpha,
        alphamat.shared_sampling(image, other, trust=0.2),
        rtol=0,
        atol=1e-6,
    )


def test_the_system_of_a_method_keeps_its_options():
    image, trimap = picture()
    method = partial(partial(alphamat.closed_form, epsilon=1e-3), radius=2)
    make = system_of(method)
    np.testing.assert_array_equal(make(image, trimap).solve().alpha, method(image, trimap))
    assert system_of(alphamat.learning_based_global) is None
    assert system_of(lambda image, trimap: trimap) is None


def test_areas_that_only_rounding_holds_get_a_half_and_are_named():
    y, x = np.mgrid[:14, :19]
    disc = np.hypot(y - 7, x - 9) < 3
    image = np.where(disc[..., None], [0.9, 0.1, 0.1], [0.1, 0.8, 0.8])
    trimap = np.full((14, 19), 0.5)
    trimap[:, :3], trimap[:, -3:] = 0, 1
    row, column = np.argwhere(disc)[0]
    where = f"^{disc.sum()} pixels.*row {row} and column {column}"
    with pytest.warns(ConvergenceWarning, match=where):
        alpha = alphamat.learning_based(image, trimap)
    np.testing.assert_allclose(alpha[disc], 0.5, rtol=0, atol=1e-3)
    exchanged = 1 - alphamat.learning_based(image, trimap, epsilon=1e-4)
    np.testing.assert_allclose(
        alphamat.learning_based(image, 1 - trimap, epsilon=1e-4), exchanged, rtol=0, atol=1e-3
    )
