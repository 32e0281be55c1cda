"""The library's own network: its weights, what it sees, and how it is run, without JAX."""
