"""Benchmarks beside others: run by hand or by `make`, never a gate."""
