"""The connection to the central broker, its topics, the next cabinet and Home Assistant."""
