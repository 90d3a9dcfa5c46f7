"""Biomarker values from CT, and where in the image they come from, learnt from values alone."""

__version__ = "0.1.0"
