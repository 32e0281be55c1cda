"""Image matting: a clean alpha, foreground and background from a picture and a trimap."""

from alphamat.composite import composite as composite
from alphamat.composite import cutout as cutout
from alphamat.foreground import Layers as Layers
from alphamat.foreground import closed_form_foreground as closed_form_foreground
from alphamat.foreground import estimate_foreground as estimate_foreground
from alphamat.image import as_image as as_image
from alphamat.io import read_image as read_image
from alphamat.io import write_image as write_image
from alphamat.methods.closed_form import closed_form as closed_form
from alphamat.methods.fast import fast as fast
from alphamat.methods.information_flow import information_flow as information_flow
from alphamat.methods.knn import knn as knn
from alphamat.methods.learning_based import learning_based as learning_based
from alphamat.methods.learning_based import learning_based_global as learning_based_global
from alphamat.methods.random_walk import random_walk as random_walk
from alphamat.methods.shared_sampling import shared_sampling as shared_sampling
from alphamat.solve import ConvergenceWarning as ConvergenceWarning
from alphamat.trimap import Trimap as Trimap
from alphamat.trimap import as_trimap as as_trimap

__version__ = "0.1.0"
