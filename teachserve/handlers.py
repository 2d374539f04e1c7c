"""What answers: routes with decorators, and the built-in ones of the reference system with a delay of your choice."""

import sys
import time
from collections.abc import Callable
from dataclasses import dataclass

from teachserve.message import Request, Response

Handler = Callable[[Request], "Response | str | bytes"]


class Routes:
    """An application: a table of paths. Call it with a request, it answers.

    404 for an unknown path; 405 with Allow for a method that the path does not have. GET brings HEAD with it.
    """

    def __init__(self) -> None:
        self._handlers: dict[str, Handler] = {}  # "GET /yo"
        self._methods: dict[str, list[str]] = {}

    def route(self, path: str, *methods: str) -> Callable[[Handler], Handler]:
        """Register a handler for a path: `@routes.route("/yo")`. Without methods: GET and HEAD."""

        def register(handler: Handler) -> Handler:
            for method in methods or ("GET",):
                for name in (method, "HEAD") if method == "GET" else (method,):
                    self._handlers[sys.intern(f"{name} {path}")] = handler
                    self._methods.setdefault(path, []).append(name)
            return handler

        return register

    def __call__(self, request: Request) -> Response:
        try:
            handler = self._handlers[f"{request.method} {request.path}"]
        except KeyError:
            if request.path == "*":  # about the server, not about a path of it (RFC 9110 section 9.3.7)
                allowed = {method for methods in self._methods.values() for method in methods}
                return Response(204, headers=[("Allow", ", ".join(sorted(allowed)))])
            if request.path not in self._methods:
                return Response.text(f"404 Not Found: there is no {request.path}\n", 404)
            allowed = ", ".join(sorted(set(self._methods[request.path])))
            return Response.text(f"405 Method Not Allowed: use {allowed}\n", 405, [("Allow", allowed)])
        answer = handler(request)
        if isinstance(answer, Response):
            return answer
        if isinstance(answer, str):
            return Response.text(answer)
        return Response(200, answer, [("Content-Type", "application/octet-stream")])


@dataclass(slots=True)
class Delay:
    """How long the built-in handlers take, and by what. It may be changed while the server runs.

    `seconds` is "none" (no call at all), 0 (a `sleep(0)`: gives the GIL up, and that alone costs), or a duration. `kind`
    "sleep" blocks, "cpu" computes for as long: with a GIL, a computing thread holds up every other.
    """

    seconds: float | str = "none"
    kind: str = "sleep"

    def __call__(self) -> None:
        seconds = self.seconds
        if seconds == "none":
            return
        if self.kind == "sleep" or not seconds:
            time.sleep(seconds)
            return
        # CPU time and not the clock: waiting for the GIL is no work.
        end = time.thread_time() + seconds
        while time.thread_time() < end:
            pass


def built_in_routes(delay: Delay) -> Routes:
    """The reference system's handlers: `/yo` answers `Hey!`, `/yo?name=Dude` `Hey Dude!`; `/echo` the request's body."""
    routes = Routes()

    # `delay` as a default and not from the scope around: without a GIL, a closure's cell is read under its lock.
    @routes.route("/yo")
    def yo(request: Request, delay: Delay = delay) -> str:
        delay()
        if b"?" in request.target and (names := request.query.get("name")):
            return f"Hey {names[0]}!"
        return "Hey!"

    @routes.route("/echo", "GET", "POST", "PUT")
    def echo(request: Request, delay: Delay = delay) -> bytes:
        delay()
        return request.body

    return routes
