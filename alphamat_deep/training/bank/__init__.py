"""Crops for training out of painted layers that stay on the device.

Processes paint layers; the device holds the newest of them, cuts crops, changes their colours, puts
them together, photographs them, and draws trimaps. All that is drawn is a function of a key:
`random_…(key, arrays)`, for one sample; `crops` makes a batch of them.
"""

from alphamat_deep.training.bank.assembly import Layers as Layers
from alphamat_deep.training.bank.assembly import crops as crops
from alphamat_deep.training.bank.ring import Bank as Bank
from alphamat_deep.training.bank.ring import Crops as Crops
