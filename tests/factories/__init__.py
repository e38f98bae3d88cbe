"""Builders of test data, one module per app. They run inside `tenant(...)` and commit for real."""
