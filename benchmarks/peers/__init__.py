"""Our speed beside the limit's and the peers', on one machine in one run: `make peers`.

The limit is a bare ASGI app that sends the same bytes; the peers are what people build (FastAPI with
async_lru) and what they put in front (nginx with `proxy_cache`).
"""
