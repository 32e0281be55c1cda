"""Measurements. Each script prints one table; run them as `python -m benchmarks.speed`."""
