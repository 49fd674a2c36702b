"""The way to WispHub Net: HTTP, deadlines, budget, breaker, retries and paging. It knows no resource."""
