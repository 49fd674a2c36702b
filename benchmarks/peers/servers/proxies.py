"""What people put in front of an API to cache it: nginx and Varnish, each with its files in one folder."""

import grp
import os
import pwd
import shutil
from pathlib import Path

from loadcheck.run.server import Program
from loadcheck.run.target import HOST

NGINX_CONFIG = """\
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

# An answer is kept both plain and compressed: otherwise it would be unpacked for each who wants it plain.
VARNISH_CONFIG = """\
vcl 4.1;

backend api {{ .host = "{host}"; .port = "{upstream_port}"; }}

sub vcl_recv {{
    unset req.http.X-Coding;
    if (req.http.Accept-Encoding ~ "gzip") {{ set req.http.X-Coding = "gzip"; }}
    if (req.method != "GET" && req.method != "HEAD") {{ return (pass); }}
    return (hash);
}}

sub vcl_hash {{
    hash_data(req.url);
    hash_data(req.http.X-API-Key);
    hash_data(req.http.X-Coding);
    return (lookup);
}}

sub vcl_backend_response {{
    if (beresp.status != 200) {{ return (pass(0s)); }}
    set beresp.ttl = 1d;
    set beresp.do_gzip = bereq.http.X-Coding == "gzip";
    return (deliver);
}}
"""


def find_proxy(name: str) -> str | None:
    """Return a program's path; a system account has it where users do not look."""
    return shutil.which(name) or shutil.which(name, path="/usr/sbin:/usr/local/sbin")


def nginx(path: str, upstream_port: int, port: int, folder: Path) -> Program:
    """Write the configuration and return the program that uses it.

    Args:
        path: Of nginx.
        upstream_port: Where on this machine the API listens.
        port: Where nginx listens.
        folder: Takes its files; must be there.
    """
    config = folder / "nginx.conf"
    upstream = f"{HOST}:{upstream_port}"
    config.write_text(NGINX_CONFIG.format(user=_user(), folder=folder, upstream=upstream, port=port))
    command = (path, "-p", str(folder), "-c", str(config), "-e", "stderr")
    return Program(name="nginx", command=command, port=port)


def varnish(path: str, upstream_port: int, folder: Path) -> Program:
    """Write the configuration and return the program that uses it; the arguments are nginx's."""
    config = folder / "default.vcl"
    config.write_text(VARNISH_CONFIG.format(host=HOST, upstream_port=upstream_port))
    options = (
        "-n",
        str(folder / "varnish"),
        "-f",
        str(config),
        "-s",
        "malloc,1g",
        "-T",
        "none",
        "-j",
        "none",
    )
    return Program(name="varnish", command=(path, "-F", "-a", f"{HOST}:{{port}}", *options))


def _user() -> str:
    """Let the worker be who started it: as root it would become somebody who may not write here."""
    if os.geteuid():
        return ""
    return f"user {pwd.getpwuid(os.geteuid()).pw_name} {grp.getgrgid(os.getegid()).gr_name};\n"
