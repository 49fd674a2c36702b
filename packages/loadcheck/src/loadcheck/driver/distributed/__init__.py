"""One load from several processes: a master, and workers that may run on other machines."""
