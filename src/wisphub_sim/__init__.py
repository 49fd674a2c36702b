"""A simulator of WispHub Net: its paths, fields and pitfalls, with synthetic data."""
