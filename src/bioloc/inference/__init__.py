"""From a scan to its value, map and mask with a trained model."""
