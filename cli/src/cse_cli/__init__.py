"""The command line: `cse` for those who run the service, and the plug-in `vcd cse` for those who use it."""

__version__ = "0.1.0"
PRODUCT = "CSE"
DESCRIPTION = "Container Service Extension for VMware vCloud Director"
