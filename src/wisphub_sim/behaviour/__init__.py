"""How the simulator answers: latency, rate limit, counts and faults, the same for every route."""
