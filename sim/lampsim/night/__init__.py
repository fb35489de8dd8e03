"""The night benchmark: the same people in the same streets, how much light and how much energy."""
