"""What the model may do. One file per tool, its description as .md beside it."""
