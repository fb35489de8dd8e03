"""The gateway's own update: signed wheels in version folders, a trial for each new one, and the way back."""
