from vcd_simulator.guests.standins.registry import Commands
command = Commands()
