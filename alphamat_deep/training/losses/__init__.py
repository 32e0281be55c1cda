"""Losses of the published networks, as their authors' programs compute them.

Terms that several share are functions of a prediction and its truth. Each publication's own are in
a module named for it, with its whole objective: that takes the network's outputs and the batch's
arrays, and returns scalars by name, of which "total" is minimised. Arrays are channels last, and a
trimap is exactly 0, 0.5 or 1: with another number for the unknown, such as 128/255, nothing is
unknown, and nothing says so.

>>> import jax.numpy as jnp
>>> from alphamat_deep.models.dim import DIMOutput
>>> alpha, trimap = jnp.array([[0, 0.25, 1], [0, 0.5, 1]]).reshape(2, 1, 1, 3, 1)
>>> outputs = DIMOutput(alpha=alpha + 0.5, alpha_raw=alpha)
>>> losses = dim.stage2(outputs, alpha, trimap=trimap)
>>> {name: round(float(loss), 3) for name, loss in losses.items()}
{'total': 0.25}
"""

from alphamat_deep.training.losses import bgmv2 as bgmv2
from alphamat_deep.training.losses import birefnet as birefnet
from alphamat_deep.training.losses import dim as dim
from alphamat_deep.training.losses import gca as gca
from alphamat_deep.training.losses import learned as learned
from alphamat_deep.training.losses import modnet as modnet
from alphamat_deep.training.losses import p3m as p3m
from alphamat_deep.training.losses import pp as pp
from alphamat_deep.training.losses import rvm as rvm
from alphamat_deep.training.losses import vitmatte as vitmatte
from alphamat_deep.training.losses.filters import sobel as sobel
from alphamat_deep.training.losses.filters import sobel_magnitude as sobel_magnitude
from alphamat_deep.training.losses.pyramids import laplacian_aim as laplacian_aim
from alphamat_deep.training.losses.pyramids import laplacian_mgmatting as laplacian_mgmatting
from alphamat_deep.training.losses.pyramids import laplacian_rvm as laplacian_rvm
from alphamat_deep.training.losses.terms import charbonnier as charbonnier
from alphamat_deep.training.losses.terms import composite as composite
from alphamat_deep.training.losses.terms import cross_entropy as cross_entropy
from alphamat_deep.training.losses.terms import gradient_l1 as gradient_l1
from alphamat_deep.training.losses.terms import l1 as l1
from alphamat_deep.training.losses.terms import mrsd as mrsd
from alphamat_deep.training.losses.terms import mse as mse
