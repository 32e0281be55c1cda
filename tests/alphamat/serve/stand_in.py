"""Work that takes no time: what the service calls in its processes, on a job's folder.

The name of a method says what happens to a job.
"""

import errno
import os
import signal
import time
from io import BytesIO
from typing import NamedTuple

import numpy as np
from PIL import Image

from alphamat.progress import Step, tell


class Facts(NamedTuple):
    width: int = 14
    height: int = 11
    doubt: float = 0.1
    reason: str = ""
    warnings: tuple = ()
    state: str = "done"


def warm():
    pass


def cut(folder, options, *, limit):
    """Do what the first bytes of a file "mask" say, and else nothing."""
    assert limit == 1000
    tell(Step("looking", 0.25))
    told = folder / "told"
    what = np.asarray(Image.open(folder / "mask"))[0, 0] if (folder / "mask").exists() else 0
    told.write_text(repr(options))
    return WHAT[what](folder)


def die(folder):
    os.kill(os.getpid(), signal.SIGKILL)


def hang(folder):
    time.sleep(1000)


def rest(folder):
    time.sleep(1)
    return Facts()


def fill(folder):
    (folder / "alpha.part").write_bytes(bytes(1000))
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def refuse(folder):
    raise ValueError("`trimap` is odd; expected an even one.")


def stumble(folder):
    raise RuntimeError("a secret")


def doubt(folder):
    return Facts(doubt=0.9, reason="It is too dark.", state="unsure")


def succeed(folder):
    return Facts(warnings=("It is pale.",))


DIE, HANG, REST, FILL, REFUSE, STUMBLE, DOUBT = range(1, 8)
WHAT = [succeed, die, hang, rest, fill, refuse, stumble, doubt]


def again(folder, trimap, options, *, limit):
    (folder / "told").write_text(repr(options))
    return Facts(doubt=0.0, width=len(trimap or b""))


def stroke(folder, patch, x, y):
    return patch[::-1], (x, y, 3, 2)


def render(folder, kind, bits, over):
    """Return a PNG that holds what was wanted."""
    told = f"{kind} {bits} {over} {(folder / 'told').read_text()}"
    file = BytesIO()
    Image.fromarray(np.frombuffer(told.encode(), np.uint8)[None]).save(file, "png")
    return file.getvalue()
