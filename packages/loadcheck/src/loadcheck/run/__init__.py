"""Start and watch processes: servers, the load generator, the echo server beside them."""
