"""A callable that says nothing of its types."""


def make(request):  # type: ignore[no-untyped-def]  # the point of this golden
    return request
