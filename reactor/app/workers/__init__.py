"""Several processes that serve one application on one port, and the one that looks after them."""
