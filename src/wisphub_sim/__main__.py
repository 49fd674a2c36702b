"""Run the simulator: `python -m wisphub_sim`."""

from wisphub_sim.cli import main

main(prog_name="python -m wisphub_sim")
