"""Tests of mmfuse_lib.data."""
