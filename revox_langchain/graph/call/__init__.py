"""The graph that places one call and watches it until it has ended."""
