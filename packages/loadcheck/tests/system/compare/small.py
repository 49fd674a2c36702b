"""Small projects to compare, as they lie there: a server that is asked, and a function with benchmarks."""

import sys
from pathlib import Path
from typing import Final

from loadcheck.compare.base import Checkout
from loadcheck.model.workload import UserClass, closed
from loadcheck.run.server import Program

SERVER: Final = '''
"""Serves what is asked, in this version's time."""

import os
import sys
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


def look_up():
    {work}


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def do_GET(self):
        if self.path == "/search":
            look_up()
        self.send_response({status} if self.path == "/search" else 200)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"ok")

    def log_message(self, *told):
        pass


ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
'''
USERS: Final = """
from locust import FastHttpUser, constant, task


class Visitor(FastHttpUser):
    wait_time = constant(0)

    @task
    def search(self):
        self.client.get("/search")

    @task
    def front(self):
        self.client.get("/")
"""
VISITS: Final = closed(
    UserClass(locustfile="users.py", name="Visitor"),
    users=1,
    hold_s=2,
    warm_up_s=0.2,
    network_timeout_s=30,
)
CODE: Final = "def work():\n    return sum(range({size}))\n"
SETTINGS: Final = """
[tool.pytest.ini_options]
addopts = ["-p", "no:locust", "-p", "no:schemathesis", "-p", "no:benchmark"]
"""
BENCHMARKS: Final = """
import tiny

def test_same(benchmark):
    benchmark(sum, range(20_000))

def test_work(benchmark):
    benchmark(tiny.work)
"""


def program(project: Path) -> Program:
    command = (sys.executable, str(project / "server.py"), "{port}")
    return Program(name="small", command=command, ready_path="/", ready_within_s=60)


def server(work: str = "pass", status: int = 200) -> dict[str, str]:
    """Return the files of a server of which a search does some work, and the users that ask for it."""
    return {"server.py": SERVER.format(work=work, status=status), "users.py": USERS}


def benchmarks(size: int = 20_000) -> dict[str, str]:
    """Return the files of a function that sums up so many numbers, and its benchmarks."""
    return {
        "pyproject.toml": SETTINGS,
        "src/tiny.py": CODE.format(size=size),
        "bench/test_tiny.py": BENCHMARKS,
    }


def version(name: str, folder: Path, files: dict[str, str]) -> Checkout:
    """Write a version's files into its own folder; no repository is needed."""
    for file, text in files.items():
        path = folder / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return Checkout(name=name, commit=name[0] * 40, folder=folder, python=sys.executable)
