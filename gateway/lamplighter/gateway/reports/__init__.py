"""What is told of the posts and of the gateway: state, alarms, energy, metrics."""
