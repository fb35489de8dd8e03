"""The report's pictures: each takes the study and returns a matplotlib Figure, or None with nothing to show."""
