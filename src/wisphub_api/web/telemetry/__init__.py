"""How the service is seen from outside: its log, its figures, its traces."""
