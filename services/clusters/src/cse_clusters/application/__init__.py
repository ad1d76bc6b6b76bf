"""The use cases of the cluster manager, and the ports through which they reach the world."""
