"""What the processes of the service share."""
