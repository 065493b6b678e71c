"""nginx.py FOLDER: an nginx of its own in FOLDER, with a throw-away certificate.

Opens the ports itself and hands them over, so they are free ones and answer at once.
Prints "ready http=URL https=URL h2=URL ca=FILE" and becomes nginx.
"""
import os
import socket
import subprocess
import sys

FOLDER = os.path.abspath(sys.argv[1])
CERT, KEY = f"{FOLDER}/cert.pem", f"{FOLDER}/key.pem"

# One worker: on two cores, the client has the other one to itself. Files are served
# as nginx does it by default; only what would end connections is raised.
CONF = """
daemon off;
{user}
worker_processes 1;
pid nginx.pid;
error_log stderr warn;
events {{ worker_connections 20000; }}
http {{
  access_log off;
  sendfile on;
  tcp_nopush on;
  keepalive_timeout 1h;
  keepalive_requests 100000000;
  client_body_temp_path body;
  proxy_temp_path proxy; fastcgi_temp_path fastcgi;
  uwsgi_temp_path uwsgi; scgi_temp_path scgi;
  default_type text/plain;
  ssl_certificate cert.pem;
  ssl_certificate_key key.pem;
  ssl_protocols TLSv1.3;
  server {{
    listen 127.0.0.1:{http};
    listen 127.0.0.1:{https} ssl;
    listen 127.0.0.1:{h2} ssl http2;
    location / {{ root files; }}
  }}
}}
"""


def make_certificate():
    if os.path.exists(CERT):
        return
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
         "ec_paramgen_curve:prime256v1", "-nodes", "-days", "3650",
         "-subj", "/CN=bench", "-addext", "subjectAltName=IP:127.0.0.1",
         "-keyout", KEY, "-out", CERT],
        check=True, stderr=subprocess.DEVNULL)


def main():
    os.makedirs(f"{FOLDER}/files", exist_ok=True)
    make_certificate()
    with open(f"{FOLDER}/files/1k", "w") as file:
        file.write("0123456789abcdef" * 64)
    ports = {}
    handed_over = []
    for name in ("http", "https", "h2"):
        listener = socket.create_server(("127.0.0.1", 0), backlog=4096)
        os.set_inheritable(listener.fileno(), True)
        ports[name] = listener.getsockname()[1]
        handed_over.append(listener)
    user = "user root;" if os.getuid() == 0 else ""
    with open(f"{FOLDER}/nginx.conf", "w") as conf:
        conf.write(CONF.format(user=user, **ports))
    os.environ["NGINX"] = "".join(f"{s.fileno()};" for s in handed_over)
    urls = {name: f"{'http' if name == 'http' else 'https'}://127.0.0.1:{port}"
            for name, port in ports.items()}
    print("ready", *(f"{k}={v}" for k, v in urls.items()), f"ca={CERT}", flush=True)
    os.execv("/usr/sbin/nginx", ["nginx", "-p", FOLDER, "-c", f"{FOLDER}/nginx.conf",
                                 "-e", "stderr"])


main()
