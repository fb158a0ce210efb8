"""Benchmarks: figures, not tests. `python -m tests.benchmarks` prints them all."""
