"""The networks: architecture and nothing else, one publication a file."""
