"""Networks: timm encoders, segmentation-models-pytorch decoders, and the heads that make a value of them."""
