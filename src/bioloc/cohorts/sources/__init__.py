"""Where cohorts come from: one small module for each public data set, which lists its scans and values as cases."""
