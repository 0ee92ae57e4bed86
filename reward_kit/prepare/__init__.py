"""Preparing a dataset: source rows in, checked rows out, nothing lost or changed on the way."""
