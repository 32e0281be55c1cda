"""What backgrounds and bodies are made of, one a file."""
