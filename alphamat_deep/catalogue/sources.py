"""Where the weights of several publications come from, and on what terms."""

PADDLESEG = "PaddleSeg's matting, https://github.com/PaddlePaddle/PaddleSeg/tree/develop/Matting"
PADDLESEG_MODELS = "https://paddleseg.bj.bcebos.com/matting/models/"
PADDLESEG_LICENCE = "Apache-2.0 as PaddleSeg; terms of the training data unstated"
ADOBE_LICENCE = "non-commercial: trained on Adobe's Deep Image Matting data set"
