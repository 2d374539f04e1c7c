"""A small Django project in one file, as its users write them: nothing in it knows of teachserve."""

from pathlib import Path

import django
from django.conf import settings
from django.core.wsgi import get_wsgi_application
from django.http import FileResponse, HttpResponse, HttpResponseNotModified, JsonResponse, StreamingHttpResponse
from django.shortcuts import redirect
from django.urls import path, reverse

if not settings.configured:
    settings.configure(
        ALLOWED_HOSTS=["*"],
        ROOT_URLCONF=__name__,
        SECRET_KEY="of the test",
        SESSION_ENGINE="django.contrib.sessions.backends.signed_cookies",
        MIDDLEWARE=["django.middleware.common.CommonMiddleware", "django.contrib.sessions.middleware.SessionMiddleware",
                    "django.middleware.http.ConditionalGetMiddleware"],
        LOGGING_CONFIG=None,
    )  # fmt: skip
    django.setup()


def index(request):
    return HttpResponse("Django, Jürgen ☃")


def hello(request, name):
    return HttpResponse(f"Hello {name}!")


def form(request):
    return JsonResponse({"name": request.POST["name"], "tags": request.POST.getlist("tag")})


def upload(request):
    file = request.FILES["file"]
    return JsonResponse({"name": file.name, "size": file.size, "note": request.POST["note"]})


def raw(request):
    return HttpResponse(request.read(), content_type="application/octet-stream")


def stream(request):
    return StreamingHttpResponse(
        (f"{request.GET['name']} {number}\n" for number in range(100)), content_type="text/plain"
    )


def old(request):
    return redirect(reverse("hello", args=["new"]))


def count(request):
    request.session["count"] = request.session.get("count", 0) + 1
    return HttpResponse(str(request.session["count"]))


def broken(request):
    raise RuntimeError("the secret of the application")


def file(request):
    return FileResponse(Path(__file__).open("rb"), content_type="text/x-python")


def nothing(request):
    return HttpResponse(status=204)


def unchanged(request):
    return HttpResponseNotModified(headers={"ETag": '"x"'})


urlpatterns = [
    path("", index), path("hello/<name>", hello, name="hello"), path("form", form), path("upload", upload), path("raw", raw),
    path("stream", stream), path("old", old), path("count", count), path("broken", broken), path("file", file),
    path("nothing", nothing), path("unchanged", unchanged),
]  # fmt: skip

application = get_wsgi_application()
