"""Augmentation of samples, by the rules of the networks' authors. NumPy, OpenCV and Pillow only.

There are two kinds of functions. Some do one thing, given what to do: `warp`, `box_blur`,
`trimap_by_ellipses`. Others draw what to do from a `numpy.random.Generator`: those named
`random_…`, and the trimaps of authors, such as `dim_trimap`. Their docstrings say from which range,
how often and after whom. A sample is a dictionary of float32 arrays; see `sample.py`. Most
functions take clips, (T, H, W, C), as well as pictures.

I = αF + (1 - α)B stays true to 1e-6. The exceptions say so: noise and JPEG of the image,
`compose_in_8_bits`, and what is called with `separately=True`, as some authors have it.
"""

from alphamat_deep.training.augment.affine import Affine as Affine
from alphamat_deep.training.augment.affine import draw_affine as draw_affine
from alphamat_deep.training.augment.affine import move as move
from alphamat_deep.training.augment.affine import random_affine as random_affine
from alphamat_deep.training.augment.affine import (
    random_affine_and_resize as random_affine_and_resize,
)
from alphamat_deep.training.augment.affine import random_stretch as random_stretch
from alphamat_deep.training.augment.affine import stretch_matrix as stretch_matrix
from alphamat_deep.training.augment.affine import warp as warp
from alphamat_deep.training.augment.colour import KORNIA_RULES as KORNIA_RULES
from alphamat_deep.training.augment.colour import LUMA as LUMA
from alphamat_deep.training.augment.colour import PADDLESEG_RULES as PADDLESEG_RULES
from alphamat_deep.training.augment.colour import PILLOW_RULES as PILLOW_RULES
from alphamat_deep.training.augment.colour import TENSOR_RULES as TENSOR_RULES
from alphamat_deep.training.augment.colour import Rule as Rule
from alphamat_deep.training.augment.colour import add_brightness as add_brightness
from alphamat_deep.training.augment.colour import add_hue_byte as add_hue_byte
from alphamat_deep.training.augment.colour import adjust_brightness as adjust_brightness
from alphamat_deep.training.augment.colour import adjust_contrast as adjust_contrast
from alphamat_deep.training.augment.colour import adjust_hue as adjust_hue
from alphamat_deep.training.augment.colour import adjust_saturation as adjust_saturation
from alphamat_deep.training.augment.colour import change_hsv as change_hsv
from alphamat_deep.training.augment.colour import enhance as enhance
from alphamat_deep.training.augment.colour import grey_of as grey_of
from alphamat_deep.training.augment.colour import scale_saturation as scale_saturation
from alphamat_deep.training.augment.colour import turn_hue_byte as turn_hue_byte
from alphamat_deep.training.augment.combine import cover_background as cover_background
from alphamat_deep.training.augment.combine import put_over as put_over
from alphamat_deep.training.augment.combine import random_combine as random_combine
from alphamat_deep.training.augment.crops import Window as Window
from alphamat_deep.training.augment.crops import cover as cover
from alphamat_deep.training.augment.crops import crop as crop
from alphamat_deep.training.augment.crops import random_crop as random_crop
from alphamat_deep.training.augment.crops import (
    random_crop_around_unknown as random_crop_around_unknown,
)
from alphamat_deep.training.augment.crops import random_crop_by_alpha as random_crop_by_alpha
from alphamat_deep.training.augment.crops import (
    random_crop_by_coarse_trimap as random_crop_by_coarse_trimap,
)
from alphamat_deep.training.augment.crops import (
    random_crop_from_unknown as random_crop_from_unknown,
)
from alphamat_deep.training.augment.crops import window_cut_off as window_cut_off
from alphamat_deep.training.augment.crops import window_inside as window_inside
from alphamat_deep.training.augment.easings import EASINGS as EASINGS
from alphamat_deep.training.augment.easings import Easing as Easing
from alphamat_deep.training.augment.easings import draw_easing as draw_easing
from alphamat_deep.training.augment.easings import linear as linear
from alphamat_deep.training.augment.focus import adjust_sharpness as adjust_sharpness
from alphamat_deep.training.augment.focus import box_blur as box_blur
from alphamat_deep.training.augment.focus import gaussian_blur as gaussian_blur
from alphamat_deep.training.augment.focus import pillow_box_blur as pillow_box_blur
from alphamat_deep.training.augment.focus import pillow_sharpen as pillow_sharpen
from alphamat_deep.training.augment.focus import random_blur as random_blur
from alphamat_deep.training.augment.focus import random_box_blur as random_box_blur
from alphamat_deep.training.augment.focus import random_pillow_sharpen as random_pillow_sharpen
from alphamat_deep.training.augment.focus import random_sharpen as random_sharpen
from alphamat_deep.training.augment.focus import random_sharpness as random_sharpness
from alphamat_deep.training.augment.focus import unsharp as unsharp
from alphamat_deep.training.augment.geometry import ALL_FILTERS as ALL_FILTERS
from alphamat_deep.training.augment.geometry import flip as flip
from alphamat_deep.training.augment.geometry import limit_short_side as limit_short_side
from alphamat_deep.training.augment.geometry import pad as pad
from alphamat_deep.training.augment.geometry import random_flip as random_flip
from alphamat_deep.training.augment.geometry import random_resize as random_resize
from alphamat_deep.training.augment.geometry import resize as resize
from alphamat_deep.training.augment.geometry import resize_pixels as resize_pixels
from alphamat_deep.training.augment.jitter import Jitter as Jitter
from alphamat_deep.training.augment.jitter import apply_jitter as apply_jitter
from alphamat_deep.training.augment.jitter import draw_jitter as draw_jitter
from alphamat_deep.training.augment.jitter import random_distort as random_distort
from alphamat_deep.training.augment.jitter import random_grey as random_grey
from alphamat_deep.training.augment.jitter import random_hsv_jitter as random_hsv_jitter
from alphamat_deep.training.augment.jitter import random_jitter as random_jitter
from alphamat_deep.training.augment.middle import centre_crop as centre_crop
from alphamat_deep.training.augment.middle import cover_and_crop as cover_and_crop
from alphamat_deep.training.augment.middle import draw_size as draw_size
from alphamat_deep.training.augment.middle import random_resized_crop as random_resized_crop
from alphamat_deep.training.augment.middle import shrink_and_crop as shrink_and_crop
from alphamat_deep.training.augment.motion import blur_frame as blur_frame
from alphamat_deep.training.augment.motion import frame_numbers as frame_numbers
from alphamat_deep.training.augment.motion import hold as hold
from alphamat_deep.training.augment.motion import move_between as move_between
from alphamat_deep.training.augment.motion import random_frame_numbers as random_frame_numbers
from alphamat_deep.training.augment.motion import random_motion as random_motion
from alphamat_deep.training.augment.motion import random_motion_blur as random_motion_blur
from alphamat_deep.training.augment.motion import random_motion_jitter as random_motion_jitter
from alphamat_deep.training.augment.motion import random_pause as random_pause
from alphamat_deep.training.augment.noise import add_noise as add_noise
from alphamat_deep.training.augment.noise import grain as grain
from alphamat_deep.training.augment.noise import jpeg as jpeg
from alphamat_deep.training.augment.noise import random_grain as random_grain
from alphamat_deep.training.augment.noise import random_jpeg as random_jpeg
from alphamat_deep.training.augment.noise import random_noise as random_noise
from alphamat_deep.training.augment.plates import add_plate as add_plate
from alphamat_deep.training.augment.plates import cast_shadow as cast_shadow
from alphamat_deep.training.augment.plates import random_plate_affine as random_plate_affine
from alphamat_deep.training.augment.plates import random_plate_jitter as random_plate_jitter
from alphamat_deep.training.augment.plates import random_plate_noise as random_plate_noise
from alphamat_deep.training.augment.plates import random_shadow as random_shadow
from alphamat_deep.training.augment.rssn import blur_in_8_bits as blur_in_8_bits
from alphamat_deep.training.augment.rssn import box_blur_in_8_bits as box_blur_in_8_bits
from alphamat_deep.training.augment.rssn import denoise as denoise
from alphamat_deep.training.augment.rssn import random_gfm_rssn as random_gfm_rssn
from alphamat_deep.training.augment.rssn import random_paddleseg_rssn as random_paddleseg_rssn
from alphamat_deep.training.augment.sample import LABELS as LABELS
from alphamat_deep.training.augment.sample import Sample as Sample
from alphamat_deep.training.augment.sample import compose as compose
from alphamat_deep.training.augment.sample import compose_in_8_bits as compose_in_8_bits
from alphamat_deep.training.augment.sample import with_layers as with_layers
from alphamat_deep.training.augment.trimaps import GCA_MARGIN as GCA_MARGIN
from alphamat_deep.training.augment.trimaps import ROUNDED as ROUNDED
from alphamat_deep.training.augment.trimaps import certain_foreground as certain_foreground
from alphamat_deep.training.augment.trimaps import dim_trimap as dim_trimap
from alphamat_deep.training.augment.trimaps import gca_trimap as gca_trimap
from alphamat_deep.training.augment.trimaps import gfm_trimap as gfm_trimap
from alphamat_deep.training.augment.trimaps import indexnet_trimap as indexnet_trimap
from alphamat_deep.training.augment.trimaps import mmagic_trimap as mmagic_trimap
from alphamat_deep.training.augment.trimaps import p3m_trimap as p3m_trimap
from alphamat_deep.training.augment.trimaps import paddleseg_test_trimap as paddleseg_test_trimap
from alphamat_deep.training.augment.trimaps import possible_foreground as possible_foreground
from alphamat_deep.training.augment.trimaps import random_trimap as random_trimap
from alphamat_deep.training.augment.trimaps import trimap_by_distance as trimap_by_distance
from alphamat_deep.training.augment.trimaps import trimap_by_ellipses as trimap_by_ellipses
from alphamat_deep.training.augment.trimaps import vitmatte_trimap as vitmatte_trimap
