"""All clients at one moment: their records in one piece of memory, and the ways to find them there."""
