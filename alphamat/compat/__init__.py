"""The names and conventions of other programs, on this library's engine."""
