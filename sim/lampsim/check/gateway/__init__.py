"""The gateway of the checker's street and the centre behind it: the real parts, without sockets."""
