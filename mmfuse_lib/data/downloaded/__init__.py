"""Real data sets of a few megabytes, downloaded once and checked."""
