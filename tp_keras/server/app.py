"""The application: the page, the REST API, and what holds for all answers."""

import concurrent.futures
import contextlib
import json
import os

from fastapi import FastAPI
from fastapi import Request
from fastapi import Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.middleware.trustedhost import TrustedHostMiddleware

from tp_keras.server import page
from tp_keras.server import rest
from tp_keras.server.guard import Guard
from tp_keras.server.model_store import ModelStore
from tp_keras.server.studio import Studio


def create_app(
    store: ModelStore,
    studio: Studio | None = None,
    hosts: tuple[str, ...] = (),
) -> FastAPI:
    """Returns the ASGI application that answers for a store of bundles.

    Args:
        store: Its new versions are found while the application runs.
        studio: What the page shows; None for the REST API alone.
        hosts: Names by which alone it may be asked, so that no page of
            another name reaches it by a browser; none for any.

    Example:
        >>> app = create_app(ModelStore("exported_models"))
        >>> uvicorn.run(app, host="127.0.0.1", port=8501)
    """
    # One for each core: more would only wait for each other.
    pool = concurrent.futures.ThreadPoolExecutor(os.cpu_count())

    @contextlib.asynccontextmanager
    async def lifespan(_):
        store.watch()
        yield
        store.close()
        pool.shutdown(cancel_futures=True)

    app = FastAPI(
        title="tp_keras",
        # Their pages load scripts from elsewhere.
        docs_url=None,
        redoc_url=None,
        lifespan=lifespan,
    )
    app.include_router(rest.make_router(store, pool))
    tell = None
    if studio is not None:
        router = page.make_router(studio, pool)
        app.include_router(router)
        tell = router.tell

    def refuse(request, status, text):
        if tell and "text/html" in request.headers.get("accept", ""):
            return tell(status, text)
        body = json.dumps({"error": text})
        return Response(body, status, media_type="application/json")

    @app.exception_handler(HTTPException)
    async def refused(request: Request, error: HTTPException):
        return refuse(request, error.status_code, str(error.detail))

    @app.exception_handler(RequestValidationError)
    async def invalid(request: Request, error: RequestValidationError):
        texts = [f"{e['loc'][-1]}: {e['msg']}" for e in error.errors()]
        return refuse(request, 422, "; ".join(texts) + ".")

    if hosts:
        app.add_middleware(TrustedHostMiddleware, allowed_hosts=list(hosts))
    app.add_middleware(Guard)
    return app
