"""What the project needs to know about PostgreSQL and Django does not: SQL files, functions, the embedded database."""
