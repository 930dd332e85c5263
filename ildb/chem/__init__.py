"""Chemistry without a database."""
