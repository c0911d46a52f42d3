"""Tests of mmfuse_lib.plots."""
