"""The commands `vcd cse …` of vcd-cli. Imports nothing of the services: it speaks REST, as to CSE 1.2.x."""
