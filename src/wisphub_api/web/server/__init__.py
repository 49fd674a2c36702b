"""The HTTP server under the application: connections, their limits and their end."""
