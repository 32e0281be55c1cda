"""Sparse symmetric systems on grids: operators, conjugate gradients, preconditioners.

A solver is a function `solver(A, b) -> Solution`; a preconditioner is a function
`A -> (r -> z)`. Configure either with `functools.partial`.
"""

from solvers.amg import amg as amg
from solvers.cg import cg as cg
from solvers.cg import correct as correct
from solvers.cg import jacobi as jacobi
from solvers.direct import direct as direct
from solvers.dissection import dissection as dissection
from solvers.dissection import quickest as quickest
from solvers.grid import StencilMatrix as StencilMatrix
from solvers.ichol import ichol as ichol
from solvers.multigrid import multigrid as multigrid
from solvers.operators import Operator as Operator
from solvers.operators import Pinned as Pinned
from solvers.operators import Preconditioner as Preconditioner
from solvers.operators import Solution as Solution
from solvers.operators import Solver as Solver

__all__ = [
    "Operator",
    "Pinned",
    "Preconditioner",
    "Solution",
    "Solver",
    "StencilMatrix",
    "amg",
    "cg",
    "correct",
    "direct",
    "dissection",
    "ichol",
    "jacobi",
    "multigrid",
    "quickest",
]


def __dir__() -> list[str]:
    return [*__all__, *(name for name in globals() if name.startswith("__"))]
