"""The gateway's way from a port to the centre, measured beside other relays: rate, delay, memory, what is lost."""
