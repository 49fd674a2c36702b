"""Internet plans: what a provider sells."""
