"""A product with a page of its own on another origin: it logs Ann in, and gives her browser a pass, never the key."""

import contextlib
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import httpx

PAGE = """<!doctype html>
<html lang="{language}" dir="{direction}">
  <head>
    <meta charset="utf-8" />
    <meta name="viewport" content="width=device-width, initial-scale=1" />
    <title>Shop</title>
    <script type="module" src="{tidings}/web/tidings.js" data-pass="/my/pass"></script>
    <style>
      :root {{ color-scheme: light dark; --tidings-accent: light-dark(#8a1c5b, #ffb3dd); }}
      body {{ margin: 1rem; background: light-dark(#fff, #111); color: light-dark(#111, #eee); }}
    </style>
  </head>
  <body>
    <main>
      <h1>Shop</h1>
      <h2>Orders</h2>
      <tidings-button type="orders.export" label="Export" settings='{{"format": "csv"}}' {more}></tidings-button>
      <tidings-jobs></tidings-jobs>
    </main>
  </body>
</html>
"""


class Shop:
    """Where it is, and what it knows of Tidings once that runs."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.tidings = ""
        self.key = ""
        self.owner = "ann"
        self.more = ""
        self.language = "en"
        self.direction = "ltr"

    def page(self) -> bytes:
        words = {"language": self.language, "direction": self.direction, "tidings": self.tidings, "more": self.more}
        return PAGE.format(**words).encode()

    def its_pass(self) -> bytes:
        headers = {"Authorization": f"Bearer {self.key}"}
        return httpx.post(f"{self.tidings}/v1/passes", json={"owner": self.owner}, headers=headers).content


@contextlib.contextmanager
def open_shop() -> Iterator[Shop]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler)
    shop = Shop(f"http://127.0.0.1:{server.server_port}")

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._answer("text/html; charset=utf-8", shop.page())

        def do_POST(self) -> None:
            self._answer("application/json", shop.its_pass())

        def _answer(self, media_type: str, content: bytes) -> None:
            self.send_response(200)
            self.send_header("Content-Type", media_type)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            """Nothing: a test tells what matters."""

    server.RequestHandlerClass = Handler
    serving = threading.Thread(target=server.serve_forever, daemon=True)
    serving.start()
    try:
        yield shop
    finally:
        server.shutdown()
        server.server_close()
