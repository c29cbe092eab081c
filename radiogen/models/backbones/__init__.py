"""Encoders of pictures: torchvision's classifiers, EfficientNet-Lite0 and a small net of radiogen's own."""
