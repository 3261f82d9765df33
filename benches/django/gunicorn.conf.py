"""One worker process with one thread that keeps connections; the port is chosen by the system."""

bind = "127.0.0.1:0"
workers = 1
worker_class = "gthread"
threads = 1
keepalive = 75


def when_ready(server):
    host, port = server.LISTENERS[0].sock.getsockname()[:2]
    print(f"serving http://{host}:{port}", flush=True)
