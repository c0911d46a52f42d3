"""Tests of the book: its pipeline and its pages."""
