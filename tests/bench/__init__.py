"""How fast it is: `make bench`, or `python -m tests.bench --help`.

Every figure with a target is a ratio of two things measured in the same run, turn by turn, so that it means the same on
any machine and on a busy one. Absolute times are printed beside it for information.

    queries       each query of the pages under row-level security against the same query with an explicit WHERE
    reservations  app.reserve_session_units against a bare conditional UPDATE, under real pgbench
    pages         CPU time of a request (application and database) against the floor, and its number of statements
    throughput    requests per second of the real server at 32 connections against 8

The database is a PostgreSQL of its own with fsync on, in the data folder's `bench`; it is built once a day and per
schema.
"""
