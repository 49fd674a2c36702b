"""The page of a session: its figures, charts and assets in one file."""
