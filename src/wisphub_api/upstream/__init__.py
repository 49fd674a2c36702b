"""WispHub Net: the only package that speaks HTTP to it and knows its Spanish field names."""
