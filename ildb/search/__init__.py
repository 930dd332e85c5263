"""Questions about ions and pairings, answered read-only."""
