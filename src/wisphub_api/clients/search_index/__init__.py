"""The indexes of the clients: built once for each snapshot, and immutable."""
