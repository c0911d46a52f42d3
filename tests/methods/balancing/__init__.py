"""Tests of mmfuse_lib.methods.balancing."""
