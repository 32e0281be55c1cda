"""How Sphinx makes the site: `python -m sphinx -W docs docs/_build`."""

from alphamat import __version__

project = "alphamat"
author = copyright = "The alphamat developers"
version = release = __version__

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.mathjax", "numpydoc"]
exclude_patterns = ["_build", "figures"]
default_role = "py:obj"
myst_enable_extensions = ["dollarmath", "colon_fence"]
myst_heading_anchors = 3
numpydoc_show_class_members = False
autodoc_member_order = "bysource"
autodoc_preserve_defaults = True
autodoc_typehints = "none"

html_theme = "pydata_sphinx_theme"
html_title = "alphamat"
html_theme_options = {
    "navbar_end": ["theme-switcher"],
    "secondary_sidebar_items": ["page-toc"],
    "show_prev_next": False,
}
html_sidebars = {"index": [], "start": [], "changelog": []}
html_show_sourcelink = False
