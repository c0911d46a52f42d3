"""Files behind the data sets: downloads, prepared arrays, media, HDF5."""
