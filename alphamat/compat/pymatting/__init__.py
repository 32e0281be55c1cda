"""The public names of PyMatting 1.1.16, with its arguments and conventions, on this engine.

    import alphamat.compat.pymatting as pymatting

PyMatting: Germer, Uelwer, Conrad & Harmeling, "PyMatting: A Python Library for Alpha Matting",
JOSS 5(54), 2020. Pictures are floating point in [0, 1]; trimaps are background up to 0.1 and
foreground from 0.9 on. For programs that cannot be changed, `install()` answers to the name
`pymatting`. What differs is in docs/from-pymatting.md.
"""

from __future__ import annotations

import sys

from alphamat.compat.pymatting.alphas import estimate_alpha_cf as estimate_alpha_cf
from alphamat.compat.pymatting.alphas import estimate_alpha_knn as estimate_alpha_knn
from alphamat.compat.pymatting.alphas import estimate_alpha_lbdm as estimate_alpha_lbdm
from alphamat.compat.pymatting.alphas import estimate_alpha_lkm as estimate_alpha_lkm
from alphamat.compat.pymatting.alphas import estimate_alpha_rw as estimate_alpha_rw
from alphamat.compat.pymatting.alphas import estimate_alpha_sm as estimate_alpha_sm
from alphamat.compat.pymatting.arrays import apply_to_channels as apply_to_channels
from alphamat.compat.pymatting.arrays import div_round_up as div_round_up
from alphamat.compat.pymatting.arrays import grid_coordinates as grid_coordinates
from alphamat.compat.pymatting.arrays import isiterable as isiterable
from alphamat.compat.pymatting.arrays import mat_vec_dot as mat_vec_dot
from alphamat.compat.pymatting.arrays import normalize as normalize
from alphamat.compat.pymatting.arrays import normalize_rows as normalize_rows
from alphamat.compat.pymatting.arrays import row_sum as row_sum
from alphamat.compat.pymatting.arrays import sparse_conv_matrix as sparse_conv_matrix
from alphamat.compat.pymatting.arrays import (
    sparse_conv_matrix_with_offsets as sparse_conv_matrix_with_offsets,
)
from alphamat.compat.pymatting.arrays import vec_vec_dot as vec_vec_dot
from alphamat.compat.pymatting.arrays import vec_vec_outer as vec_vec_outer
from alphamat.compat.pymatting.arrays import weights_to_laplacian as weights_to_laplacian
from alphamat.compat.pymatting.laplacians import LAPLACIAN_OPERATORS as LAPLACIAN_OPERATORS
from alphamat.compat.pymatting.laplacians import LAPLACIANS as LAPLACIANS
from alphamat.compat.pymatting.laplacians import cf_laplacian as cf_laplacian
from alphamat.compat.pymatting.laplacians import knn_laplacian as knn_laplacian
from alphamat.compat.pymatting.laplacians import lbdm_laplacian as lbdm_laplacian
from alphamat.compat.pymatting.laplacians import lkm_laplacian as lkm_laplacian
from alphamat.compat.pymatting.laplacians import make_linear_system as make_linear_system
from alphamat.compat.pymatting.laplacians import rw_laplacian as rw_laplacian
from alphamat.compat.pymatting.laplacians import uniform_laplacian as uniform_laplacian
from alphamat.compat.pymatting.layers import cutout as cutout
from alphamat.compat.pymatting.layers import estimate_foreground_cf as estimate_foreground_cf
from alphamat.compat.pymatting.layers import estimate_foreground_ml as estimate_foreground_ml
from alphamat.compat.pymatting.modules import register
from alphamat.compat.pymatting.pixels import blend as blend
from alphamat.compat.pymatting.pixels import fix_trimap as fix_trimap
from alphamat.compat.pymatting.pixels import load_image as load_image
from alphamat.compat.pymatting.pixels import make_grid as make_grid
from alphamat.compat.pymatting.pixels import remove_background_bicolor as remove_background_bicolor
from alphamat.compat.pymatting.pixels import sanity_check_image as sanity_check_image
from alphamat.compat.pymatting.pixels import save_image as save_image
from alphamat.compat.pymatting.pixels import show_images as show_images
from alphamat.compat.pymatting.pixels import stack_images as stack_images
from alphamat.compat.pymatting.pixels import to_rgb8 as to_rgb8
from alphamat.compat.pymatting.pixels import trimap_split as trimap_split
from alphamat.compat.pymatting.search import KDTree as KDTree
from alphamat.compat.pymatting.search import Timer as Timer
from alphamat.compat.pymatting.search import boxfilter as boxfilter
from alphamat.compat.pymatting.search import distance_transform as distance_transform
from alphamat.compat.pymatting.search import knn as knn
from alphamat.compat.pymatting.solving import CholeskyDecomposition as CholeskyDecomposition
from alphamat.compat.pymatting.solving import CounterCallback as CounterCallback
from alphamat.compat.pymatting.solving import ProgressCallback as ProgressCallback
from alphamat.compat.pymatting.solving import cg as cg
from alphamat.compat.pymatting.solving import ichol as ichol
from alphamat.compat.pymatting.solving import jacobi as jacobi
from alphamat.compat.pymatting.solving import vcycle as vcycle

estimate_alpha = estimate_alpha_cf
estimate_foreground = estimate_foreground_ml

__version__ = "1.1.16"
__all__ = [
    "LAPLACIANS",
    "LAPLACIAN_OPERATORS",
    "CholeskyDecomposition",
    "CounterCallback",
    "KDTree",
    "ProgressCallback",
    "Timer",
    "apply_to_channels",
    "blend",
    "boxfilter",
    "cf_laplacian",
    "cg",
    "cutout",
    "distance_transform",
    "div_round_up",
    "estimate_alpha",
    "estimate_alpha_cf",
    "estimate_alpha_knn",
    "estimate_alpha_lbdm",
    "estimate_alpha_lkm",
    "estimate_alpha_rw",
    "estimate_alpha_sm",
    "estimate_foreground",
    "estimate_foreground_cf",
    "estimate_foreground_ml",
    "fix_trimap",
    "grid_coordinates",
    "ichol",
    "install",
    "isiterable",
    "jacobi",
    "knn",
    "knn_laplacian",
    "lbdm_laplacian",
    "lkm_laplacian",
    "load_image",
    "make_grid",
    "make_linear_system",
    "mat_vec_dot",
    "normalize",
    "normalize_rows",
    "remove_background_bicolor",
    "row_sum",
    "rw_laplacian",
    "sanity_check_image",
    "save_image",
    "show_images",
    "sparse_conv_matrix",
    "sparse_conv_matrix_with_offsets",
    "stack_images",
    "to_rgb8",
    "trimap_split",
    "uniform_laplacian",
    "vcycle",
    "vec_vec_dot",
    "vec_vec_outer",
    "weights_to_laplacian",
]


def install() -> None:
    """Let `import pymatting`, and imports of its modules, find this module in this process.

    Call it before anything imports PyMatting, which need not be installed. Each of its modules has
    all names: `from pymatting.alpha.estimate_alpha_cf import estimate_alpha_cf` works.

    Raises
    ------
    ImportError
        If PyMatting is imported already.
    """
    register(sys.modules[__name__], {name: globals()[name] for name in __all__})
