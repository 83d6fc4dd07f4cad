"""What holds for every answer: nothing is loaded from elsewhere."""

from starlette.datastructures import MutableHeaders

# Reports are pages of their own: style and pictures are within them.
_POLICY = (
    "default-src 'none'; img-src 'self' data:; style-src 'self'{style}; "
    "script-src 'self'; form-action 'self'; base-uri 'none'; "
    "frame-ancestors 'none'"
)
_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
}
REPORT_PATH = "/report"


class Guard:
    """Adds headers by which a browser asks nobody else.

    Answers are not kept by the browser unless they say so: they show people.
    """

    def __init__(self, app):
        self._app = app

    async def __call__(self, scope, receive, send):
        """Answers as the application does, with those headers."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        is_report = scope["path"] == REPORT_PATH
        policy = _POLICY.format(style=" 'unsafe-inline'" if is_report else "")

        async def send_guarded(message):
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers.update(_HEADERS)
                headers["Content-Security-Policy"] = policy
                headers.setdefault("Cache-Control", "no-store")
            await send(message)

        await self._app(scope, receive, send_guarded)
