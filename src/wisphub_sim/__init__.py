"""A stand-in for WispHub Net: its paths, its fields and its traps, on synthetic data."""
