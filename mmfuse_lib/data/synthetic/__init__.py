"""Data sets whose truth is known: labels made by a stated rule, on real images and recordings."""
