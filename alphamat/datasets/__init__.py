"""The public benchmarks, as sequences of samples. A sample is read when it is used.

Nothing is downloaded: each function takes the folder where you have put a data set, and its
docstring says where to get it and on what terms. All files are found, and their sizes compared by
their headers, before the first is read. One ValueError names all files that are missing or do not
fit. A data set is iterated::

    for name, image, trimap, truth, group, plate in datasets.alphamatting("alphamatting"):
        ...

Pictures come in natural order of their names (`x_2` before `x_10`), each with its trimaps in turn.
"""

from alphamat.datasets.alphamatting import alphamatting as alphamatting
from alphamat.datasets.composition1k import compose_composition1k as compose_composition1k
from alphamat.datasets.composition1k import composition1k as composition1k
from alphamat.datasets.cutouts import photomatte85 as photomatte85
from alphamat.datasets.cutouts import videomatte240k as videomatte240k
from alphamat.datasets.distinctions646 import distinctions646 as distinctions646
from alphamat.datasets.folder import folder as folder
from alphamat.datasets.photographs import aim500 as aim500
from alphamat.datasets.photographs import p3m500 as p3m500
from alphamat.datasets.photographs import ppm100 as ppm100
from alphamat.datasets.photographs import ppm_aim195 as ppm_aim195
from alphamat.datasets.readers import DATASETS as DATASETS
from alphamat.datasets.readers import Reader as Reader
from alphamat.datasets.sample import Dataset as Dataset
from alphamat.datasets.sample import Sample as Sample
from alphamat.datasets.scenes import synthetic as synthetic
