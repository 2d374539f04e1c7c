"""A small Flask application, as its users write them: nothing in it knows of teachserve."""

import io
import time
from pathlib import Path

from flask import Flask, Response, abort, jsonify, redirect, request, send_file, session, stream_with_context, url_for


def create_app() -> Flask:
    app = Flask(__name__)
    app.secret_key = "of the test"
    app.config["MAX_CONTENT_LENGTH"] = 500_000

    @app.get("/")
    def index():
        return "Flask, Jürgen ☃"

    @app.get("/hello/<name>")
    def hello(name):
        return f"Hello {name}!"

    @app.post("/form")
    def form():
        return jsonify(name=request.form["name"], tags=request.form.getlist("tag"))

    @app.post("/upload")
    def upload():
        file = request.files["file"]
        return jsonify(name=file.filename, size=len(file.read()), note=request.form["note"])

    @app.post("/json")
    def echo_json():
        return jsonify(request.get_json())

    @app.post("/raw")
    def raw():
        return Response(request.stream.read(), mimetype="application/octet-stream")

    @app.get("/stream")
    def stream():
        def pieces():
            for number in range(100):
                yield f"{request.args['name']} {number}\n"

        return Response(stream_with_context(pieces()), mimetype="text/plain")

    @app.get("/old")
    def old():
        return redirect(url_for("hello", name="new"))

    @app.get("/count")
    def count():
        session["count"] = session.get("count", 0) + 1
        return str(session["count"])

    @app.get("/broken")
    def broken():
        raise RuntimeError("the secret of the application")

    @app.get("/forbidden")
    def forbidden():
        abort(403)

    @app.get("/file")
    def file():
        return send_file(Path(__file__), mimetype="text/x-python", conditional=True)

    @app.get("/memory")
    def memory():
        return send_file(io.BytesIO(b"from memory" * 10_000), mimetype="application/octet-stream")

    @app.get("/nothing")
    def nothing():
        return "", 204

    @app.get("/slow")
    def slow():
        time.sleep(float(request.args["s"]))
        return "slow"

    return app


app = create_app()
