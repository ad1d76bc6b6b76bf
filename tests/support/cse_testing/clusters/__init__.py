"""In-memory worlds for the cluster manager, which keep the ports of `cse_clusters.application.ports`."""
