"""What is foreground in a photograph: by a box, by strokes, or by the faces in it."""

from alphamat.segmentation.colours import grab_cut as grab_cut
from alphamat.segmentation.objects import at as at
from alphamat.segmentation.objects import largest as largest
from alphamat.segmentation.people import portrait as portrait
from alphamat.segmentation.people import segment as segment
from alphamat.segmentation.result import Segmentation as Segmentation
