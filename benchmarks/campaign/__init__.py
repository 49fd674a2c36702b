"""Is the judge of comparisons right? Measured: how often it cries wolf, and how often it misses the wolf."""
