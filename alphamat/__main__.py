"""`python -m alphamat`: the command."""

from alphamat.cli import app

app(prog_name="alphamat")
