"""Reports for planners: energy and light by policy, EN 13201-5 indicators, verified savings, pictures and one page."""
