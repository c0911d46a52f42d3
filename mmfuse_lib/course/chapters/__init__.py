"""What looks at the answers to exercises, a file a chapter."""
