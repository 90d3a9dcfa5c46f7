"""People's own scans through a trained model: what is asked, one case, a batch of them, and the tables they end in."""
