"""Boards that nobody serves: searched for, recognised, and given their places."""
