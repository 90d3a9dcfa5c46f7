"""Figures, overlays, tables and the page that a study ends in."""
