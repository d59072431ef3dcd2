"""nginx before a running app: HTTPS under a path, as the server of a university or a company has it."""

import shutil
import subprocess
from pathlib import Path
from typing import Self

from tests.support.browser import answers, free_port, install, wait_until

MISSING = "No nginx was found, so nothing was tried behind a proxy. Install one with your system's packages."
# What docs/CLASS_MODE.md shows, with a port and files of a test's own.
_CONFIG = """
daemon off;
pid {folder}/nginx.pid;
error_log {folder}/error.log;
events {{}}
http {{
    access_log off;
    client_body_temp_path {folder}; proxy_temp_path {folder}; fastcgi_temp_path {folder};
    uwsgi_temp_path {folder}; scgi_temp_path {folder};
    map $http_upgrade $connection_upgrade {{ default upgrade; "" close; }}
    server {{
        listen 127.0.0.1:{port} ssl;
        ssl_certificate {folder}/certificate.pem;
        ssl_certificate_key {folder}/key.pem;
        client_max_body_size 2g;
        location /{path}/ {{
            proxy_pass http://localhost:{app};
            proxy_http_version 1.1;
            proxy_set_header Host $http_host;
            proxy_set_header Upgrade $http_upgrade;
            proxy_set_header Connection $connection_upgrade;
            proxy_read_timeout 1d;
        }}
    }}
}}
"""


def nginx() -> str | None:
    """The path of an nginx, or None."""
    return shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")


class Proxy:
    """An nginx that serves the app at port `app` by HTTPS under /`path`/, until the block is left."""

    def __init__(self, folder: Path, app: int, path: str) -> None:
        self.port = free_port()
        self.folder, self.address = folder, f"https://localhost:{self.port}/{path}/"
        (folder / "nginx.conf").write_text(_CONFIG.format(folder=folder, port=self.port, path=path, app=app))

    def __enter__(self) -> Self:
        key, certificate = self.folder / "key.pem", self.folder / "certificate.pem"
        request = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1"]
        files = ["-subj", "/CN=localhost", "-keyout", str(key), "-out", str(certificate)]
        subprocess.run([*request, *files], check=True, capture_output=True)
        command = nginx()
        assert command is not None, MISSING
        self.process = subprocess.Popen(
            [command, "-c", str(self.folder / "nginx.conf"), "-e", str(self.folder / "error.log")],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        wait_until(self._answers)
        return self

    def _answers(self) -> bool:
        if self.process.poll() is not None:
            raise RuntimeError((self.folder / "error.log").read_text())
        return answers(self.port)

    def __exit__(self, *_: object) -> None:
        self.process.terminate()
        self.process.wait()


if __name__ == "__main__":
    if nginx() is None:
        install("nginx-light", "openssl")
