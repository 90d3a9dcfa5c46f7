"""The gate before training: what must be true of a cohort's tables, and who breaks it."""
