"""Watch an order until it is over."""
