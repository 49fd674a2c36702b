"""The values that the other folders hand to each other: what is asked, what was sent, what came of it."""
