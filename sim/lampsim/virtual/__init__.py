"""The real posts, links and poll schedulers in virtual time: one process, no clock, the same seed gives the same run."""
