"""The command line: one thin function per verb; heavy modules are imported inside them."""
