"""What users hold, parsed once: images, alphas, parameters, and the memory that they may take."""
