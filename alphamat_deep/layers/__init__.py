"""What networks ported from PyTorch and Paddle are made of, with the rules of those two.

Arrays are NHWC, kernels HWIO. Attributes have Flax's names where Flax has the layer, otherwise the
authors'; `fill` knows both.
"""

from alphamat_deep.layers.attention import CrossAttention as CrossAttention
from alphamat_deep.layers.attention import PositionEmbedding as PositionEmbedding
from alphamat_deep.layers.attention import RelativeAttention as RelativeAttention
from alphamat_deep.layers.attention import SelfAttention as SelfAttention
from alphamat_deep.layers.attention import dot_product_attention as dot_product_attention
from alphamat_deep.layers.attention import over_windows as over_windows
from alphamat_deep.layers.blocks import ConvBN as ConvBN
from alphamat_deep.layers.blocks import ConvBNReLU as ConvBNReLU
from alphamat_deep.layers.blocks import PyramidPooling as PyramidPooling
from alphamat_deep.layers.blocks import Stack as Stack
from alphamat_deep.layers.blocks import activated_conv as activated_conv
from alphamat_deep.layers.blocks import apply as apply
from alphamat_deep.layers.blocks import concatenate as concatenate
from alphamat_deep.layers.blocks import fuse_semantic_and_detail as fuse_semantic_and_detail
from alphamat_deep.layers.blocks import rectify as rectify
from alphamat_deep.layers.convolution import Conv as Conv
from alphamat_deep.layers.convolution import ConvTranspose as ConvTranspose
from alphamat_deep.layers.convolution import add_bias as add_bias
from alphamat_deep.layers.convolution import convolve as convolve
from alphamat_deep.layers.convolution import convolve_depthwise as convolve_depthwise
from alphamat_deep.layers.convolution import convolve_transposed as convolve_transposed
from alphamat_deep.layers.deformable import DeformableConv as DeformableConv
from alphamat_deep.layers.deformable import convolve_deformed as convolve_deformed
from alphamat_deep.layers.norms import BatchNorm as BatchNorm
from alphamat_deep.layers.norms import GroupNorm as GroupNorm
from alphamat_deep.layers.norms import batch_norm as batch_norm
from alphamat_deep.layers.norms import group_norm as group_norm
from alphamat_deep.layers.norms import instance_norm as instance_norm
from alphamat_deep.layers.parameters import SpectralVector as SpectralVector
from alphamat_deep.layers.parameters import count_parameters as count_parameters
from alphamat_deep.layers.pooling import AdaptiveAveragePool as AdaptiveAveragePool
from alphamat_deep.layers.pooling import adaptive_average_pool as adaptive_average_pool
from alphamat_deep.layers.pooling import average_pool as average_pool
from alphamat_deep.layers.pooling import global_average_pool as global_average_pool
from alphamat_deep.layers.pooling import max_pool as max_pool
from alphamat_deep.layers.pooling import max_pool_all as max_pool_all
from alphamat_deep.layers.pooling import max_pool_overlapping as max_pool_overlapping
from alphamat_deep.layers.pooling import max_unpool as max_unpool
from alphamat_deep.layers.pooling import max_unpool_overlapping as max_unpool_overlapping
from alphamat_deep.layers.resizing import find_neighbours as find_neighbours
from alphamat_deep.layers.resizing import refuse_unless_multiples as refuse_unless_multiples
from alphamat_deep.layers.resizing import resize as resize
from alphamat_deep.layers.resizing import resize_along as resize_along
from alphamat_deep.layers.resizing import resize_bicubic as resize_bicubic
from alphamat_deep.layers.resizing import resize_like_paddle as resize_like_paddle
from alphamat_deep.layers.resizing import resize_to_corners as resize_to_corners
from alphamat_deep.layers.resizing import upsample_bilinear as upsample_bilinear
from alphamat_deep.layers.resizing import upsample_nearest as upsample_nearest
from alphamat_deep.layers.shifted import WindowAttention as WindowAttention
from alphamat_deep.layers.spectral import SpectralConv as SpectralConv
from alphamat_deep.layers.spectral import SpectralConvTranspose as SpectralConvTranspose
from alphamat_deep.layers.spectral import spectral_norm as spectral_norm
from alphamat_deep.layers.standardised import StandardisedConv as StandardisedConv
