"""Benchmarks of the bus: models of access schemes on a byte-true line, and the real code in the same table."""
