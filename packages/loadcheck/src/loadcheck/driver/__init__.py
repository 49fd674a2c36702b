"""The load generator: Locust by its library API, in processes of its own.

`python -m loadcheck.driver --host URL --workload FILE --out FOLDER` plays a `Workload` and leaves
`samples.bin` and `facts.json` in the folder. Importing locust patches threads, sockets and time for the whole
process: nothing else of loadcheck may import this package.
"""
