"""Affinities between pixels, and the Laplacians that they make. The methods solve with them."""
