"""A vCloud Director and its vCenters, simulated: real clients work against it, nothing real happens."""
