"""`python -m alphamat`: the command."""

from alphamat.cli import app

if __name__ == "__main__":
    app(prog_name="alphamat")
