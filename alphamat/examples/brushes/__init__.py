"""What foregrounds and textures are painted with.

Pictures, fields and layers are float32, and fields of noise have a mean of 0 and a standard
deviation of about 1. Lengths are shares of the picture's shorter side, as on every canvas; 0.002 is
about a pixel of a picture of 512 × 512.
"""
