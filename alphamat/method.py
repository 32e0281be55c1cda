"""What a method takes and gives, and the one way in which it is called.

A method is a function `(image, trimap, plate) -> alpha`. It may leave out what it has no use for:
`trimap`, its second parameter, and `plate`, the scene without its foreground. A loaded network is a
method, too.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum
from functools import partial
from inspect import Parameter
from typing import Any, NamedTuple, Protocol

import numpy as np

from alphamat.door.image import Pixels
from alphamat.door.parameters import parameters
from alphamat.laplacians.colour_line import colour_line_laplacian
from alphamat.methods.closed_form import closed_form, closed_form_system
from alphamat.methods.fast import fast, fast_system
from alphamat.methods.information_flow import information_flow, information_flow_system
from alphamat.methods.knn import knn, knn_system
from alphamat.methods.learning_based import (
    learning_based,
    learning_based_system,
    local_learning_laplacian,
)
from alphamat.methods.random_walk import random_walk, random_walk_system
from alphamat.system import System
from solvers import Solver, StencilMatrix

SYSTEMS: dict[Callable[..., np.ndarray], Callable[..., System]] = {
    closed_form: closed_form_system,
    fast: fast_system,
    information_flow: information_flow_system,
    knn: knn_system,
    learning_based: learning_based_system,
    random_walk: random_walk_system,
}
"""Methods that solve one system, and the function that makes it of the same arguments."""


LAPLACIANS: dict[Callable[..., np.ndarray], Callable[..., StencilMatrix]] = {
    closed_form: colour_line_laplacian,
    learning_based: local_learning_laplacian,
}
"""Methods whose systems couple pixels of one window only, and (image, mask) to their rows."""


class Matte(NamedTuple):
    """How opaque a picture's foreground is, and where the method knows it, of which colour."""

    alpha: np.ndarray
    """(H, W) floating point in [0, 1]."""
    foreground: np.ndarray | None = None
    """(H, W, 3) colours in [0, 1], not multiplied by alpha; None where the method gives none."""


def stacked(mattes: list[Matte]) -> Matte:
    """Return the mattes of a batch as one, (B, H, W) and (B, H, W, 3)."""
    alphas, foregrounds = zip(*mattes, strict=True)
    return Matte(np.stack(alphas), None if foregrounds[0] is None else np.stack(foregrounds))


class Method(Protocol):
    """A function `(image, trimap=None, plate=None) -> alpha`, or -> `Matte`.

    An object may have `clip()`, which returns such a function that remembers the frames it has
    seen. It may also say what it takes: `takes` is a `Takes`. Then it may have
    `layers(image, trimap, plate) -> Matte`, which is called in its place.
    """

    def __call__(self, *inputs: Any, **options: Any) -> Any: ...


class Need(Enum):
    """Whether a method takes an input."""

    NO = "no"
    OPTIONAL = "optional"
    YES = "yes"


class Takes(NamedTuple):
    """What a method takes beside the image."""

    trimap: Need
    plate: Need
    clip: bool = False
    """Whether it has `clip()`, which makes a function that remembers frames."""
    solver: Solver | None = None
    """Its default solver; None where it has no parameter `solver`."""


def takes(method: Method) -> Takes:
    """Return what a method takes, by its own word or by its signature.

    Examples
    --------
    >>> import alphamat
    >>> from alphamat.method import takes
    >>> takes(alphamat.closed_form).trimap
    <Need.YES: 'yes'>
    >>> takes(alphamat.closed_form).plate
    <Need.NO: 'no'>
    """
    if not callable(method):
        raise TypeError(f"`method` is {method!r}; expected a function (image, trimap) -> alpha.")
    function, bound = unbound(method)
    own = getattr(function, "takes", None)
    found = own if isinstance(own, Takes) else _by_signature(method, hasattr(function, "clip"))
    return found._replace(
        trimap=Need.NO if "trimap" in bound else found.trimap,
        plate=Need.NO if "plate" in bound else found.plate,
    )


def unbound(method: Method) -> tuple[Method, dict[str, Any]]:
    """Return a method without the options that `partial` has bound, and these."""
    if not isinstance(method, partial):
        return method, {}
    function, bound = unbound(method.func)
    return function, bound | method.keywords


def _by_signature(method: Method, clip: bool) -> Takes:
    known = parameters(method)
    if not known:  # it does not tell
        return Takes(Need.OPTIONAL, Need.NO, clip)
    positional = (Parameter.POSITIONAL_ONLY, Parameter.POSITIONAL_OR_KEYWORD)
    plate, solver = (known.pop(name, None) for name in ("plate", "solver"))
    inputs = [x for x in known.values() if x.kind in positional]
    if any(x.kind is Parameter.VAR_POSITIONAL for x in known.values()):
        trimap = Need.OPTIONAL
    else:
        trimap = _need(inputs[1]) if len(inputs) > 1 else Need.NO
    default: Solver | None = solver.default if solver else None
    return Takes(
        trimap, _need(plate) if plate else Need.NO, clip, default if callable(default) else None
    )


def _need(parameter: Parameter) -> Need:
    return Need.YES if parameter.default is Parameter.empty else Need.OPTIONAL


def system_of(method: Method) -> Callable[..., System] | None:
    """Return the function (image, trimap) -> `System` whose solution a method is, if it is one."""
    if isinstance(method, partial):
        made = system_of(method.func)
        return made and partial(made, *method.args, **method.keywords)
    return next((made for solving, made in SYSTEMS.items() if solving is method), None)


def run(
    method: Method, image: Pixels, trimap: Pixels | None = None, plate: Pixels | None = None
) -> Matte:
    """Call a method with what it takes.

    Parameters
    ----------
    method : Method
        Options may be bound with `functools.partial`.
    image, trimap, plate
        As the method takes them; None where there is none.

    Returns
    -------
    Matte

    Raises
    ------
    ValueError
        If the method needs a trimap or a plate and is given none, or is given one and takes none.
        Whatever the method itself raises.

    Examples
    --------
    >>> import alphamat
    >>> from alphamat import examples
    >>> from alphamat.method import run
    >>> scene = examples.synthetic(examples.fur, 48, 64)
    >>> run(alphamat.closed_form, scene.image, scene.trimap).alpha.shape
    (48, 64)
    """
    refuse_unless_taken(method, trimap=trimap is not None, plate=plate is not None)
    inputs = [image] if takes(method).trimap is Need.NO else [image, trimap]
    options = {} if plate is None else {"plate": plate}
    made = _giving_layers(method)(*inputs, **options)
    return made if isinstance(made, Matte) else Matte(made)


def _giving_layers(method: Method) -> Callable[..., Any]:
    """Return what gives a method's foreground, too, where it has one."""
    if isinstance(method, partial):
        return partial(_giving_layers(method.func), *method.args, **method.keywords)
    # A network of the user's may have `layers` of another kind.
    knows = isinstance(getattr(method, "takes", None), Takes)
    return getattr(method, "layers", method) if knows else method


def step_of(method: Method) -> Method:
    """Return what mattes the frames of one clip in turn; it remembers them where the method can."""
    if isinstance(method, partial):
        return partial(step_of(method.func), *method.args, **method.keywords)
    clip: Callable[[], Method] = getattr(method, "clip", lambda: method)
    return clip() if takes(method).clip else method


def refuse_unless_taken(method: Method, *, trimap: bool, plate: bool) -> None:
    """Raise unless a method takes what is there, and nothing that it needs is missing."""
    needs, name = takes(method), name_of(method)
    for what, there, need in (("plate", plate, needs.plate), ("trimap", trimap, needs.trimap)):
        if there and need is Need.NO:
            raise ValueError(f"`{what}` is given, and {name} takes none.")
    for what, there, need in (("plate", plate, needs.plate), ("trimap", trimap, needs.trimap)):
        if not there and need is Need.YES:
            raise ValueError(f"`{what}` is missing; {name} needs {MISSING[what]}")


MISSING = {
    "trimap": "one. `alphamat.trimap`, and the command `alphamat trimap`, make trimaps from masks.",
    "plate": "a picture of the same scene without the foreground.",
}


def name_of(method: Method) -> str:
    """Return what a method is called in messages."""
    return getattr(unbound(method)[0], "__name__", "the method")
