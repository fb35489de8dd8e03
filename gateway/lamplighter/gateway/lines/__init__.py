"""The lines of a cabinet: who speaks when, what is said and heard, and what drives it on a port or a broker."""
