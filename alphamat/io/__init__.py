"""Image files and folders of them: found, read, and written whole or not at all."""

from alphamat.io.images import image_size as image_size
from alphamat.io.images import read_image as read_image
from alphamat.io.images import read_picture as read_picture
from alphamat.io.images import write_image as write_image
from alphamat.io.picture import Picture as Picture
from alphamat.io.picture import as_light as as_light
from alphamat.io.picture import as_srgb as as_srgb
from alphamat.io.stored import Light as Light
