"""Omnirapeutic: the project package."""
