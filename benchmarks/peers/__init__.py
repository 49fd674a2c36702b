"""Our speed beside the limit's and the peers', on one machine in one run: `make peers`.

The limit is a bare ASGI app that sends the same bytes. The peers are the same app on another server
(granian), what people build (FastAPI with async_lru) and what they put in front of it (nginx, Varnish). The
floor is a C program.
"""
