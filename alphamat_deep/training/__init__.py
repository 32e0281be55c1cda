"""Training of the published networks: what their authors minimise, on what, and in which steps."""
