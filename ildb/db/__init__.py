"""The database: models, connections, bulk loading, the embedded server."""
