"""A campaign as a page, and the counts it is made of."""
