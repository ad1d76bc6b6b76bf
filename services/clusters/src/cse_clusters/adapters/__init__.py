"""The ports of the application, kept with vCD, vCenter and the templates service."""
