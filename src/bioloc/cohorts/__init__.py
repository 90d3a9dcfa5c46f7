"""Cohorts: a table of scans and values, brought to a working grid once, with candidates and masks beside."""
