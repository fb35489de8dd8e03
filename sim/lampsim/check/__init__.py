"""The property checker: the five promises of the design, tried on random small worlds with every kind of fault."""
