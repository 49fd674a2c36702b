"""Micro-benchmarks of base and head: pytest-benchmark in fresh processes, judged as servers are."""
