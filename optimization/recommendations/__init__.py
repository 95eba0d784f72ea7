"""What to change, worth how much, decided by whom, and what it brought."""
