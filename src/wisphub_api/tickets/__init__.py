"""Support tickets: opened once, read, and no more of them in a zone than allowed."""
