"""A snapshot of all clients: their records in one piece of memory, and its indexes."""
