"""The demo: believable, synthetic clinics of skewed sizes, the same for the same seed.

`shape` says how big each clinic is, `clinic` builds one as batches of rows, `load` brings them into the database.
`deployment` is the whole of it, with who may sign in; `claims` are made at the end, by the application itself.
Nothing here is about a real person: names are drawn from lists, addresses of e-mail end in `.example`, telephone
numbers are of the block 555-0100 to 555-0199, all kept for fiction.
"""
