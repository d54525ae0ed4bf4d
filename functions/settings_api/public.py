"""Routes without a key."""

from carillon.runtime.http import Answer, Call, Raw, Routes, docs

routes = Routes()


@routes.get("/health", roles=None)
def health(call: Call) -> Answer[dict[str, str]]:  # noqa: ARG001 - every route takes the call
    """Tell that the service answers."""
    return Answer({"status": "ok"})


@routes.get("/openapi.json", roles=None)
def openapi(call: Call) -> Raw:  # noqa: ARG001
    """Give this description."""
    return docs.description()


@routes.get("/docs", roles=None)
def page(call: Call) -> Raw:  # noqa: ARG001
    """Show this description as a page."""
    return docs.page()
