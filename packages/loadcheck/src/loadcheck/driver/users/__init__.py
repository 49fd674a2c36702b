"""How Locust's users come and ask: by stages, by arrivals, in pairs."""
