"""The foreground once alpha is known: its colours, cut out and put over something else."""

from alphamat.foreground.closed_form import closed_form_foreground as closed_form_foreground
from alphamat.foreground.closed_form import multigrid as multigrid
from alphamat.foreground.compositing import composite as composite
from alphamat.foreground.compositing import cutout as cutout
from alphamat.foreground.light import foreground_of_light as foreground_of_light
from alphamat.foreground.light import with_opaque as with_opaque
from alphamat.foreground.multilevel import Layers as Layers
from alphamat.foreground.multilevel import estimate_foreground as estimate_foreground
