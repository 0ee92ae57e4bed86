"""Cassettes: recorded HTTP interactions of a suite's step, replayed without a network."""
