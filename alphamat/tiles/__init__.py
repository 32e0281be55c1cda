"""Pictures beyond memory: matted piece by piece, with the alpha of the whole."""

from alphamat.tiles.matting import matte as matte
