"""Image files and folders of them: found, read, and written whole or not at all."""
