"""How many people pass, which way and how fast, from detections alone."""
