"""How many connections the load generator may hold: each is an open file."""

import resource


def allow_many_open_files() -> None:
    """Raise the soft limit to the hard one: with a shell's usual 1,024 a thousand users would fail."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
