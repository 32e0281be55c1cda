"""Clips: read, matted and written, frame by frame."""

from alphamat.method import Matte as Matte
from alphamat.video.flow import trimap_by_flow as trimap_by_flow
from alphamat.video.frames import Frame as Frame
from alphamat.video.frames import Video as Video
from alphamat.video.matting import matte_video as matte_video
from alphamat.video.pictures import alpha_picture as alpha_picture
from alphamat.video.pictures import composite_light as composite_light
from alphamat.video.pictures import composite_picture as composite_picture
from alphamat.video.pictures import cutout_light as cutout_light
from alphamat.video.pictures import cutout_picture as cutout_picture
from alphamat.video.pictures import light_of as light_of
from alphamat.video.reading import read_video as read_video
from alphamat.video.writing import refuse_unwritable_clip as refuse_unwritable_clip
from alphamat.video.writing import write_video as write_video
