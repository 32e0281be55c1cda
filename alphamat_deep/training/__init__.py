"""Training of the published networks."""
