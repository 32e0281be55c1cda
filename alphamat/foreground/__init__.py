"""The colours of the two layers behind an image and its alpha."""

from alphamat.foreground.closed_form import closed_form_foreground as closed_form_foreground
from alphamat.foreground.closed_form import multigrid as multigrid
from alphamat.foreground.multilevel import Layers as Layers
from alphamat.foreground.multilevel import estimate_foreground as estimate_foreground
