"""A fast, caching gateway between an internet provider's chatbots and WispHub Net."""
