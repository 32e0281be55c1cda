"""What stands in the foreground of the synthetic scenes, one scene a file."""
