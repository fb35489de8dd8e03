"""The keys of a cabinet, and how others take their place while it serves its lines."""
