"""Tests of mmfuse_lib.information."""
