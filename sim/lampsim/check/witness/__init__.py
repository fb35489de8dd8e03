"""The five promises as invariants, held against what shares no code with the product."""
