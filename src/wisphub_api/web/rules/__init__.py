"""The rules of a request, each written once, without I/O: the fast path and the router call them."""
