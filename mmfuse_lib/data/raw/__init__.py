"""Real data sets in the layout they are published in, from a folder of the user's."""
