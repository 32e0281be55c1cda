"""Pictures to begin with: a photograph that comes with the library, and painted scenes."""

from alphamat.examples.photograph import Example as Example
from alphamat.examples.photograph import astronaut as astronaut
from alphamat.examples.photograph import sky as sky
from alphamat.examples.scene import SCENES as SCENES
from alphamat.examples.scene import Scene as Scene
from alphamat.examples.scene import synthetic as synthetic
from alphamat.examples.scenes.defocus import defocus as defocus
from alphamat.examples.scenes.fur import fur as fur
from alphamat.examples.scenes.glass import glass as glass
from alphamat.examples.scenes.hair import hair as hair
from alphamat.examples.scenes.lace import lace as lace
from alphamat.examples.scenes.smoke import smoke as smoke
