"""The foregrounds of the synthetic scenes, one a file."""
