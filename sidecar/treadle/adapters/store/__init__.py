"""Store: threads and their items on disk."""
