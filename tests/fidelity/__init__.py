"""The library against numbers that the authors' published code returned (see `parts`)."""
