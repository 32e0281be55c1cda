"""The catalogue: one row for each published checkpoint, in one file for each publication.

Weights are never downloaded. A row says where the authors publish them and on what terms. Scores
are those that the authors report, by their protocol; they are not measured here.
"""

from alphamat_deep.catalogue import (
    ben2,
    bgmv2,
    birefnet,
    dim,
    fba,
    gca,
    indexnet,
    isnet,
    learned,
    modnet,
    p3m,
    pp_humanmatting,
    pp_matting,
    pp_mattingv2,
    rvm,
    u2net,
    vitmatte,
)
from alphamat_deep.catalogue.preset import Backbone as Backbone
from alphamat_deep.catalogue.preset import Preset as Preset
from alphamat_deep.catalogue.preset import Score as Score
from alphamat_deep.catalogue.preset import Weights as Weights

PRESETS = {
    **learned.PRESETS,
    **dim.PRESETS,
    **indexnet.PRESETS,
    **gca.PRESETS,
    **fba.PRESETS,
    **vitmatte.PRESETS,
    **modnet.PRESETS,
    **pp_matting.PRESETS,
    **pp_mattingv2.PRESETS,
    **pp_humanmatting.PRESETS,
    **p3m.PRESETS,
    **bgmv2.PRESETS,
    **rvm.PRESETS,
    **u2net.PRESETS,
    **isnet.PRESETS,
    **birefnet.PRESETS,
    **ben2.PRESETS,
}
