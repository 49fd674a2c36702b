"""Answers kept in memory: always one load at a time, and stale rather than late."""
