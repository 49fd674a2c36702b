"""The long view: figures of each commit, and the commits at which they moved."""
