"""WispHub Net's synthetic data: subscribers, tickets and ping diagnostics, all made from a seed."""
