"""The real posts, links and poll schedulers in virtual time: no clock, one process, one seed one run."""
