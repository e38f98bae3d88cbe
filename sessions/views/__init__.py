"""Pages of the technician and the analyst."""
