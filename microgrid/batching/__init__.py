"""Many cases: planned as chunks of neighbours, solved by processes of this machine or of a cluster, kept in a store."""
