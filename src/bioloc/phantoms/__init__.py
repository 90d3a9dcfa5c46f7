"""Phantom cohorts: CT images drawn with known answers, in the form of a user's own cohort."""
