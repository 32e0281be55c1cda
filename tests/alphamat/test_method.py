"""What methods take and give, and how they are called."""

from functools import partial

import numpy as np
import pytest

import alphamat
from alphamat.method import Matte, Need, Takes, refuse_unless_taken, run, step_of, takes

IMAGE, TRIMAP, PLATE = np.full((3, 4, 3), 0.2), np.full((3, 4), 0.5), np.full((3, 4, 3), 0.7)


def by_trimap(image, guide):
    return guide


def by_either(image, trimap=None, plate=None):
    return image[..., 0] if plate is None else plate[..., 0]


def by_plate(image, *, plate):
    return plate[..., 0]


class Network:
    """A method that says itself what it takes, and has layers and a memory."""

    __name__ = "network"
    takes = Takes(Need.NO, Need.YES, clip=True)

    def __call__(self, image, trimap=None, plate=None):
        raise AssertionError("`layers` gives more")

    def layers(self, image, trimap=None, plate=None):
        return Matte(plate[..., 0], image)

    def clip(self):
        frames = 0

        def step(image, trimap=None, plate=None):
            nonlocal frames
            frames += 1
            return Matte(np.full(image.shape[:2], frames / 10), plate)

        return step


@pytest.mark.parametrize(
    ("method", "trimap", "plate"),
    [
        (alphamat.closed_form, Need.YES, Need.NO),
        (by_trimap, Need.YES, Need.NO),
        (by_either, Need.OPTIONAL, Need.OPTIONAL),
        (by_plate, Need.NO, Need.YES),
        (lambda image: image[..., 0], Need.NO, Need.NO),
        (lambda *inputs: inputs[0], Need.OPTIONAL, Need.NO),
        (lambda image, trimap=None, **options: trimap, Need.OPTIONAL, Need.NO),
        (partial(by_trimap, guide=TRIMAP), Need.NO, Need.NO),
        (partial(by_either, plate=PLATE), Need.OPTIONAL, Need.NO),
        (partial(alphamat.closed_form, epsilon=1e-3), Need.YES, Need.NO),
        (Network(), Need.NO, Need.YES),
        (partial(Network(), plate=PLATE), Need.NO, Need.NO),
        (max, Need.OPTIONAL, Need.NO),  # it does not tell
    ],
)
def test_a_method_tells_what_it_takes(method, trimap, plate):
    assert takes(method)[:2] == (trimap, plate)


def test_it_tells_its_solver():
    default = takes(alphamat.knn).solver
    assert default.keywords["rtol"] == 1e-6
    assert takes(partial(alphamat.knn, solver=max)).solver is max
    assert takes(by_trimap).solver is None


@pytest.mark.parametrize(
    ("method", "trimap", "plate", "alpha"),
    [
        (by_trimap, TRIMAP, None, 0.5),
        (by_either, None, None, 0.2),
        (by_either, TRIMAP, PLATE, 0.7),
        (by_plate, None, PLATE, 0.7),
        (lambda image: image[..., 0], None, None, 0.2),
        (partial(by_plate, plate=PLATE), None, None, 0.7),
        (partial(by_trimap, guide=TRIMAP), None, None, 0.5),
    ],
)
def test_a_method_is_called_with_what_it_takes(method, trimap, plate, alpha):
    matte = run(method, IMAGE, trimap, plate)
    np.testing.assert_array_equal(matte.alpha, np.full((3, 4), alpha))
    assert matte.foreground is None


@pytest.mark.parametrize("network", [Network(), partial(Network())])
def test_a_foreground_is_kept_where_there_is_one(network):
    matte = run(network, IMAGE, plate=PLATE)
    np.testing.assert_array_equal(matte.alpha, PLATE[..., 0])
    np.testing.assert_array_equal(matte.foreground, IMAGE)
    bound = run(partial(network, plate=PLATE), IMAGE)
    np.testing.assert_array_equal(bound.alpha, PLATE[..., 0])


def test_layers_of_another_kind_are_left_alone():
    class Users:
        layers = staticmethod(lambda image, trimap: image)

        def __call__(self, image, trimap):
            return trimap

    np.testing.assert_array_equal(run(Users(), IMAGE, TRIMAP).alpha, TRIMAP)


def test_a_memory_is_found_within_bound_options():
    step = step_of(partial(Network(), plate=PLATE))
    assert [run(step, IMAGE).alpha[0, 0] for _ in range(3)] == [0.1, 0.2, 0.3]
    assert step_of(by_trimap) is by_trimap


@pytest.mark.parametrize(
    ("method", "trimap", "plate", "message"),
    [
        (by_trimap, None, None, "`trimap` is missing; by_trimap needs one. `alphamat.trimap`"),
        (by_trimap, TRIMAP, PLATE, "`plate` is given, and by_trimap takes none"),
        (by_plate, TRIMAP, PLATE, "`trimap` is given, and by_plate takes none"),
        (by_plate, None, None, "`plate` is missing; by_plate needs a picture of the same scene"),
        (partial(Network()), TRIMAP, None, "`trimap` is given, and network takes none"),
        (partial(by_plate, plate=PLATE), None, PLATE, "`plate` is given, and by_plate takes none"),
    ],
)
def test_what_does_not_fit_is_refused_before_any_work(method, trimap, plate, message):
    with pytest.raises(ValueError, match=message):
        run(method, IMAGE, trimap, plate)
    with pytest.raises(ValueError, match=message):
        refuse_unless_taken(method, trimap=trimap is not None, plate=plate is not None)


def test_what_is_no_method_is_refused():
    with pytest.raises(TypeError, match="`method` is 'closed-form'; expected a function"):
        run("closed-form", IMAGE, TRIMAP)
