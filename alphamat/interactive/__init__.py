"""Alpha that follows a brush: strokes on a picture, each answered at once."""

from alphamat.interactive.area import Area as Area
from alphamat.interactive.session import Session as Session
