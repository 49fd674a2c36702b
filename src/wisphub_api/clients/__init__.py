"""Clients: an internet provider's subscribers."""
