# SPDX-License-Identifier: MIT
"""nginx, which serves a directory over plain HTTP."""

import os

from servers import Servers, free_ports, listens, wait_until

# One process, so that no worker outlives it.
TEMPLATE = """\
daemon off;
master_process off;
pid {directory}/nginx.pid;
error_log {directory}/log/error.log;
events {{ worker_connections 512; }}
http {{
    access_log off;
    default_type application/octet-stream;
    tcp_nodelay on;
    client_body_temp_path {directory}/temp;
    proxy_temp_path {directory}/temp;
    fastcgi_temp_path {directory}/temp;
    uwsgi_temp_path {directory}/temp;
    scgi_temp_path {directory}/temp;
    server {{
        listen 127.0.0.1:{port};
        root {directory}/www;
        location ~ ^/forbidden(/|$) {{ deny all; }}
    }}
    server {{
        listen 127.0.0.1:{whole_port};
        root {directory}/www;
        max_ranges 0;
    }}
}}
"""


class WebServer(Servers):
    """www is the directory served, at port; what is below forbidden/ in it is
    answered with 403. At whole_port the same, always in whole."""

    def __init__(self, directory):
        super().__init__(directory)
        self.www = self.path("www")
        self.port = self.whole_port = None

    def start(self):
        self.make_directories("www", "temp")
        self.port, self.whole_port = free_ports(2)
        with open(self.path("nginx.conf"), "w", encoding="utf-8") as file:
            file.write(TEMPLATE.format(
                directory=self.directory, port=self.port,
                whole_port=self.whole_port))
        self.start_again()

    def start_again(self):
        """At the same ports, after stop("nginx")."""
        self.launch("nginx", ["nginx", "-c", self.path("nginx.conf")],
                    PATH="/usr/sbin:" + os.environ.get("PATH", ""))
        wait_until(self._answers, "nginx answers")

    def _answers(self):
        self.check("nginx")
        return listens(self.port) and listens(self.whole_port)

    @property
    def endpoint(self):
        return "127.0.0.1:%d" % self.port

    @property
    def whole_endpoint(self):
        return "127.0.0.1:%d" % self.whole_port
