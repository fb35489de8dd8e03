"""What is said when an update is refused."""


class UpdateError(ValueError):
    """Nothing has changed; one line that says why and what to do."""
