"""Who a transaction works for. The only code that touches the session variables of the database."""
