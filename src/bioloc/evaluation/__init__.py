"""How good values and maps are, with confidence intervals over patients."""
