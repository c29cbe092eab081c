"""Parts of segmentation: phase, contours, the network and measures of overlap."""
