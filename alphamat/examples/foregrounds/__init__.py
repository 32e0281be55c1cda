"""Foregrounds of all kinds, one a file.

The scenes in `alphamat.examples.scenes` show one thing each. These never show the same thing twice,
and are what networks are trained on.
"""
