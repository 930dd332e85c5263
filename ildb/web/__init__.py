"""The database as web pages and a JSON API."""
