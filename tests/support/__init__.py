"""What the test suite stands on: its PostgreSQL server, two clinics, signed-in clients, a real server, a browser."""
