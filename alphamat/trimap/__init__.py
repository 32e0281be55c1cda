"""Trimaps: parsed, made and looked at."""

from alphamat.trimap.likely import from_segmentation as from_segmentation
from alphamat.trimap.look import check as check
from alphamat.trimap.look import overlay as overlay
from alphamat.trimap.make import from_alpha as from_alpha
from alphamat.trimap.make import from_mask as from_mask
from alphamat.trimap.make import from_scribbles as from_scribbles
from alphamat.trimap.make import from_strokes as from_strokes
from alphamat.trimap.parse import Trimap as Trimap
from alphamat.trimap.parse import as_trimap as as_trimap
from alphamat.trimap.widths import Diagonal as Diagonal
from alphamat.trimap.widths import Ellipse as Ellipse
