"""Training: from values alone (localizer, regressors) or from masks (segmenter)."""
