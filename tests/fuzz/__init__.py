"""Input that nobody means well: whatever comes in must end in an answer, and never in a crash."""
