"""nginx as people put it in front of an API: `proxy_cache`, `gzip`, one worker, everything in one folder."""

import grp
import os
import pwd
import shutil
from pathlib import Path

from loadcheck.run.server import Program

CONFIG = """\
daemon off;
{user}worker_processes 1;
pid {folder}/nginx.pid;
error_log stderr warn;
events {{ worker_connections 1024; }}
http {{
    access_log off;
    sendfile on;
    tcp_nopush on;
    keepalive_requests 1000000;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    proxy_cache_path {folder}/cache levels=1:2 keys_zone=api:50m max_size=4g inactive=1d use_temp_path=off;
    gzip on;
    gzip_types application/json;
    gzip_min_length 1000;
    gzip_vary on;
    upstream api {{
        server {upstream};
        keepalive 32;
    }}
    server {{
        listen 127.0.0.1:{port};
        location / {{
            proxy_pass http://api;
            proxy_http_version 1.1;
            proxy_set_header Connection "";
            proxy_set_header Accept-Encoding "";
            proxy_cache api;
            proxy_cache_key "$request_uri $http_x_api_key";
            proxy_cache_valid 200 1d;
            proxy_cache_lock on;
            proxy_cache_use_stale updating error timeout;
        }}
    }}
}}
"""


def find_nginx() -> str | None:
    """Give nginx's path; a system account has it where users do not look."""
    return shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin:/usr/local/sbin")


def proxy(nginx: str, upstream: str, port: int, folder: Path) -> Program:
    """Write the configuration and give the program that uses it.

    Args:
        nginx: Its path.
        upstream: Host and port of what it stands in front of.
        port: Where it listens.
        folder: Takes its files; must be there.
    """
    config = folder / "nginx.conf"
    config.write_text(CONFIG.format(user=_user(), folder=folder, upstream=upstream, port=port))
    command = (nginx, "-p", str(folder), "-c", str(config), "-e", "stderr")
    return Program(name="nginx", command=command, port=port)


def _user() -> str:
    """Let the worker be who started it: as root it would become somebody who may not write here."""
    if os.geteuid():
        return ""
    return f"user {pwd.getpwuid(os.geteuid()).pw_name} {grp.getgrgid(os.getegid()).gr_name};\n"
