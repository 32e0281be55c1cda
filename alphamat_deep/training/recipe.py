"""What a training run is made of: a network, its losses, its data and its optimiser."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import optax
from jax import Array

from alphamat_deep.training.bank import Bank
from alphamat_deep.training.sample import Sample

Loss = Callable[..., dict[str, Array]]
"""From a network in training mode, a batch and random streams to scalars. "total" is minimised.

With `Recipe.copy` it also takes the frozen copy of the network, in evaluation mode."""


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """How a network is trained. Each file in `recipes` makes one."""

    preset: str
    """One of `alphamat_deep.PRESETS`."""
    losses: tuple[Loss, ...]
    """A step minimises each in turn, with one update of the parameters for each.

    A parameter that none of them reads has to be frozen: PyTorch and Paddle pass it over, optax
    would decay it."""
    optimiser: Callable[[int], optax.GradientTransformation]
    """From the number of steps of the whole run to the transformation of gradients."""
    compose: Callable[[Sample, np.random.Generator], Sample]
    """From the layers of one picture, of any size, to a sample of the batch's size."""
    batch: int
    """Samples of a step, on all devices and hosts together."""
    steps: int
    config: Mapping[str, Any] = field(default_factory=dict)
    """Fields of the network's configuration to change."""
    frozen: tuple[str, ...] = ()
    """Regular expressions of parameters that stay as they are, such as r"^backbone\\."."""
    fresh: tuple[str, ...] = ()
    """Regular expressions of arrays that the first weights may lack: these start fresh."""
    frozen_statistics: bool = False
    """Whether normalisation uses the running statistics, and leaves them as they are."""
    biased: bool = False
    """Whether running variances are a batch's, divided by n, as Paddle's. PyTorch divides by n - 1.
    """
    copy: int = 0
    """Steps after which the frozen copy that losses take is renewed; 0 keeps none."""
    average: float | Callable[[Array], Array] = 0.0
    """Decay of the exponential average of the parameters, such as 0.999; 0 keeps none.

    A function makes it of the number of updates, this one included."""
    broken: int = 0
    """Steps in a row that may have no finite loss or gradient: such a step changes nothing.

    With 0 the first one ends the run."""
    bank: Bank | None = None
    """Layers that stay on the device; None where `compose` makes the samples.

    Then `compose` is `compositions.pack_layers`, and the samples are crops of the layers."""
