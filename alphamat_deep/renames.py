"""How the names in the authors' checkpoints become those of our models.

Models keep their authors' attribute names, so these tables are short. What all checkpoints need is
in `fill.EVERYWHERE`.
"""

from alphamat_deep.fill import Names

_REPEATED_LAST = ((r"upsample\.1\.", "upsample.0."), (r"upsample\.2\.", "upsample.1."))

GCA = Names(rename=((r"\.module\.weight_", ".weight_"), *_REPEATED_LAST))
PP_GCA = Names(rename=((r"\.out_conv\.", ".W."), *_REPEATED_LAST))
