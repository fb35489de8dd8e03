"""Lighting plans: what an operator writes, checked, compiled for each post, and previewed."""
