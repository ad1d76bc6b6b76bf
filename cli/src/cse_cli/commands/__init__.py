"""One module for each command of `cse`: it parses, calls one function, and prints."""
