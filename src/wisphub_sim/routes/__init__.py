"""The HTTP routes: WispHub Net's own under `/api/`, the simulator's controls under `/_sim/`."""
