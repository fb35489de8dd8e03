"""Everything of Lamplighter that runs on Linux.

The version stands here too (a test compares it with pyproject.toml): importlib.metadata takes memory that a cabinet
has better uses for.
"""

__version__ = "0.1.0"
