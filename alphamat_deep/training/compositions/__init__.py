"""From foregrounds, alphas and backgrounds to batches for training.

A source is a sequence of entries, each of which reads its layers when it is used. A stream draws an
entry and a background for each of its samples, and `compose` makes the sample of them::

    train, validation = split(cutouts("foregrounds", "alphas"))
    for batch in batches(train, "backgrounds", batch=4, seed=7):
        ...
    held_out = samples(validation, "backgrounds")
"""

from alphamat_deep.training.compositions.batches import Batches as Batches
from alphamat_deep.training.compositions.batches import batches as batches
from alphamat_deep.training.compositions.batches import samples as samples
from alphamat_deep.training.compositions.composing import compose_square as compose_square
from alphamat_deep.training.compositions.entries import Entry as Entry
from alphamat_deep.training.compositions.entries import alternate as alternate
from alphamat_deep.training.compositions.entries import arrays as arrays
from alphamat_deep.training.compositions.entries import repeated as repeated
from alphamat_deep.training.compositions.entries import split as split
from alphamat_deep.training.compositions.folders import clips as clips
from alphamat_deep.training.compositions.folders import composed as composed
from alphamat_deep.training.compositions.folders import cutouts as cutouts
from alphamat_deep.training.compositions.folders import listed as listed
from alphamat_deep.training.compositions.folders import plates as plates
from alphamat_deep.training.compositions.packing import pack_layers as pack_layers
from alphamat_deep.training.compositions.painted import backdrops as backdrops
from alphamat_deep.training.compositions.painted import painted as painted
from alphamat_deep.training.compositions.photographs import estimated as estimated
from alphamat_deep.training.compositions.photographs import photographs as photographs
