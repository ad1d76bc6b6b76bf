"""`python -m vcd_simulator`."""

from vcd_simulator.cli import main

if __name__ == "__main__":
    main(prog_name="vcd-simulator")
