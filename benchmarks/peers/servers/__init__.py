"""What the service is measured beside: each server is a process of its own, and reads its settings itself."""
