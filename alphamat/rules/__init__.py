"""Rules for pictures: what is done to one before a network, and to alpha after it.

They are data. `to_data` writes them as JSON has it, and `from_data` reads them, so that a file of a
network can carry its rules where there is no JAX. A new function of a size, a filter or an encoding
goes into the table at the end of its file; a new step into `STEPS`.
"""

from alphamat.rules.batches import one_by_one as one_by_one
from alphamat.rules.data import from_data as from_data
from alphamat.rules.data import to_data as to_data
from alphamat.rules.encodings import NEAR_WIDTHS as NEAR_WIDTHS
from alphamat.rules.encodings import known_and_near as known_and_near
from alphamat.rules.encodings import levels as levels
from alphamat.rules.encodings import one_hot as one_hot
from alphamat.rules.encodings import raw_levels as raw_levels
from alphamat.rules.filters import area as area
from alphamat.rules.filters import bicubic as bicubic
from alphamat.rules.filters import bilinear as bilinear
from alphamat.rules.filters import bilinear_cut_off as bilinear_cut_off
from alphamat.rules.filters import bilinear_over_black as bilinear_over_black
from alphamat.rules.filters import lanczos as lanczos
from alphamat.rules.filters import lanczos_parts as lanczos_parts
from alphamat.rules.filters import nearest as nearest
from alphamat.rules.filters import opencv_area as opencv_area
from alphamat.rules.filters import pillow_bicubic as pillow_bicubic
from alphamat.rules.filters import pillow_bilinear as pillow_bilinear
from alphamat.rules.filters import pillow_lanczos as pillow_lanczos
from alphamat.rules.fixed import fixed_size as fixed_size
from alphamat.rules.methods import NetworkMethod as NetworkMethod
from alphamat.rules.preprocess import HALF as HALF
from alphamat.rules.preprocess import IMAGENET_MEAN as IMAGENET_MEAN
from alphamat.rules.preprocess import IMAGENET_STD as IMAGENET_STD
from alphamat.rules.preprocess import Prepared as Prepared
from alphamat.rules.preprocess import Preprocess as Preprocess
from alphamat.rules.sizes import Size as Size
from alphamat.rules.sizes import ceil_sides as ceil_sides
from alphamat.rules.sizes import exactly as exactly
from alphamat.rules.sizes import exceed_sides as exceed_sides
from alphamat.rules.sizes import fit as fit
from alphamat.rules.sizes import floor_halves as floor_halves
from alphamat.rules.sizes import floor_short_side as floor_short_side
from alphamat.rules.sizes import (
    floor_short_side_unless_between as floor_short_side_unless_between,
)
from alphamat.rules.sizes import floor_short_side_within as floor_short_side_within
from alphamat.rules.sizes import floor_sides as floor_sides
from alphamat.rules.sizes import short_side as short_side
from alphamat.rules.sizes import short_side_within as short_side_within
from alphamat.rules.sizes import square as square
from alphamat.rules.sizes import within as within
from alphamat.rules.steps import Brighten as Brighten
from alphamat.rules.steps import Extend as Extend
from alphamat.rules.steps import Pad as Pad
from alphamat.rules.steps import Repeat as Repeat
from alphamat.rules.steps import Resize as Resize
from alphamat.rules.steps import Stretch as Stretch
