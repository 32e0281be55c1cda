"""How sure alpha is, and what to ask to know more."""
