"""What users hold, parsed once: images, colours and parameters."""

from alphamat.door.colour import css_colour as css_colour
from alphamat.door.colour import decode_srgb as decode_srgb
from alphamat.door.colour import encode_srgb as encode_srgb
from alphamat.door.colour import luma as luma
from alphamat.door.image import FULL_SCALE as FULL_SCALE
from alphamat.door.image import Pixels as Pixels
from alphamat.door.image import as_alpha as as_alpha
from alphamat.door.image import as_array as as_array
from alphamat.door.image import as_image as as_image
from alphamat.door.image import as_plane as as_plane
from alphamat.door.image import refuse_other_size as refuse_other_size
from alphamat.door.image import unit_range as unit_range
from alphamat.door.parameters import as_count as as_count
from alphamat.door.parameters import as_flag as as_flag
from alphamat.door.parameters import as_number as as_number
from alphamat.door.parameters import as_numbers as as_numbers
from alphamat.door.parameters import as_positive as as_positive
from alphamat.door.parameters import refuse_unless_solver as refuse_unless_solver
from alphamat.door.parameters import shown as shown
