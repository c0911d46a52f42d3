"""The ground floor: errors, devices, random numbers, files. Imports nothing else of the library."""
