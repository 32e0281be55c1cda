"""Image matting: a clean alpha, foreground and background from a picture and a trimap."""

__version__ = "0.1.0"

from alphamat.methods.closed_form import closed_form as closed_form
from alphamat.solve import ConvergenceWarning as ConvergenceWarning
