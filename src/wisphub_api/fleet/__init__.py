"""What the processes of the service share: by files on one machine, by Redis on several, or nothing."""
