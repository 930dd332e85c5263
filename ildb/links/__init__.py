"""Link prediction on the bipartite cation-anion graph."""
