"""An ASGI application behind a socket, as long as a test needs it."""

import contextlib
import threading

import uvicorn


@contextlib.contextmanager
def served(app, **options):
    """Yields the address of an application on a free port."""
    config = uvicorn.Config(app, port=0, log_level="error", **options)
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    try:
        while not server.started:
            thread.join(0.01)
        (socket,) = server.servers[0].sockets
        yield f"http://127.0.0.1:{socket.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join()
