"""The floor: the same list on the same rows, as an ordinary Django developer would write it, and no slower than that.

What every figure of a page is a ratio to. It is meant to be good plain Django, and nothing in it is there to make it
slow:

- Django's own database sessions and its own user model; a persistent connection; cached templates; DEBUG off.
- One middleware opens a transaction and sets the organisation for the database's policies, from the session.
- `empty` is a signed-in view with that and nothing else: no query of its own, no template. `empty_page` renders the
  template that every page extends, without content.
- `client_list` makes four queries: a count for the paginator, 50 clients, their insurances and their authorizations by
  `prefetch_related`. Its template prints 50 rows of nine cells, with `{% url %}` in three of them, `|date`, `|default`.
- `plain_list` is the same without insurances and authorizations: two queries and the columns of our own list. It is
  printed beside the other for information.

It writes no audit row, has no content security policy, no health check of the connection, no time zone of the clinic.
"""
