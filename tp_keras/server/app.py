"""The application: the page, the REST API, and what holds for all answers."""

import concurrent.futures
import contextlib
import os

from fastapi import FastAPI

from tp_keras.server import rest
from tp_keras.server.model_store import ModelStore


def create_app(store: ModelStore) -> FastAPI:
    """Returns the ASGI application that answers for a store of bundles.

    Args:
        store: Its new versions are found while the application runs.

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
    return app
