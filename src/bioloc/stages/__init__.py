"""One module per DVC stage: read parameters, call the rooms below, write outputs."""
