"""What nginx makes of the published `balancer.conf`, before plain servers."""

import collections
import contextlib
import http.server
import threading
import urllib.request

import pytest

from benchmarks.replicas import balanced
from benchmarks.replicas import free_port
from benchmarks.replicas import read_asked

pytestmark = pytest.mark.large  # It wants Debian's nginx.

ADDRESSES = ("127.0.0.2", "127.0.0.3")
BODY = b"x" * 3_000_000  # As of a batch of portraits.


class Replica(http.server.BaseHTTPRequestHandler):
    """Answers the number of bytes, unless it dies in the middle of it."""

    def do_POST(self):
        size = len(self.rfile.read(int(self.headers["Content-Length"])))
        if self.server.is_dying:
            self.close_connection = True
            return
        text = str(size).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, *words):
        pass


@contextlib.contextmanager
def replica(address, port):
    server = http.server.ThreadingHTTPServer((address, port), Replica)
    server.is_dying = False
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def ask(url, count):
    for _ in range(count):
        with urllib.request.urlopen(url + "/v1/models/m:predict", BODY) as got:
            assert int(got.read()) == len(BODY)


def spread(log, count):
    """How often each replica had the last word, and how many were asked."""
    asked = read_asked(log, count)
    answered = collections.Counter(addresses[-1] for addresses in asked)
    return [answered[name] for name in ADDRESSES], sum(map(len, asked))


def test_requests_are_spread_and_none_is_lost():
    port = free_port()
    with balanced(ADDRESSES, port) as (url, log), replica(ADDRESSES[1], port):
        with replica(ADDRESSES[0], port) as first:
            ask(url, 60)
            answered, asked = spread(log, 60)
            # By chance: less than once in a million otherwise.
            assert min(answered) >= 10 and sum(answered) == asked == 60
            # It has the whole request, and ends without a word.
            first.is_dying = True
            ask(url, 40)
            answered, asked = spread(log, 40)
            assert answered == [0, 40] and asked > 40
        # Nobody listens there any more.
        ask(url, 40)
        answered, asked = spread(log, 40)
        assert answered == [0, 40] and asked > 40
        with replica(ADDRESSES[0], port):
            ask(url, 60)
            answered, asked = spread(log, 60)
            assert min(answered) >= 10 and sum(answered) == asked == 60
