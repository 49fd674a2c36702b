"""The indexes by which clients are found: built once for each snapshot, and immutable."""
