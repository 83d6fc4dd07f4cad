"""The page: upload a photo, and see what the model answers and why."""

import asyncio
import concurrent.futures
import functools
from typing import Annotated

import jinja2
from fastapi import APIRouter
from fastapi import HTTPException
from fastapi import Query
from fastapi import Request
from fastapi import Response
from fastapi.responses import HTMLResponse
from fastapi.responses import RedirectResponse

from tp_keras.errors import UserError
from tp_keras.records.page import STYLE
from tp_keras.server import view
from tp_keras.server.body import BodyError
from tp_keras.server.body import read_form
from tp_keras.server.guard import REPORT_PATH
from tp_keras.server.pictures import to_jpeg
from tp_keras.server.pictures import to_png
from tp_keras.server.shelf import Shelf
from tp_keras.server.studio import FEW
from tp_keras.server.studio import Studio

# A photo of 50 megapixels has half of it.
MOST_BYTES = 40 << 20

_HOUR = {"Cache-Control": "private, max-age=3600"}
_MAX_SEED = 2**31
_FORGOTTEN = "This photo was forgotten, or never here. Choose it once more."

Temperature = Annotated[float, Query(gt=0, le=3)]
Seed = Annotated[int, Query(ge=0, lt=_MAX_SEED)]


def make_router(studio: Studio, pool: concurrent.futures.Executor) -> APIRouter:
    """Returns the routes of the page; `pool` does the work."""
    router = APIRouter(tags=["page"], include_in_schema=False)
    shelf = Shelf()
    templates = jinja2.Environment(
        loader=jinja2.PackageLoader("tp_keras.server"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )

    def show(template, status=200, **values):
        text = templates.get_template(f"{template}.html.j2").render(
            studio=studio, most=MOST_BYTES >> 20, **values
        )
        return HTMLResponse(text, status)

    async def work(function, *arguments):
        """Calls a function in the pool; what is wrong becomes a status."""
        loop = asyncio.get_running_loop()
        call = functools.partial(function, *arguments)
        try:
            return await loop.run_in_executor(pool, call)
        except (KeyError, IndexError) as error:
            raise HTTPException(404, "There is no such picture.") from error
        except UserError as error:
            raise HTTPException(400, str(error)) from error

    def taken(token):
        shelved = shelf.get(token)
        if shelved is None:
            raise HTTPException(404, _FORGOTTEN)
        return shelved

    def face_of(shelved, number):
        if not 0 <= number < len(shelved.answer.faces):
            raise HTTPException(404, "There is no such face.")
        return shelved.answer.faces[number]

    async def picture(make, *arguments):
        return Response(
            await work(make, *arguments), media_type="image/png", headers=_HOUR
        )

    @router.get("/")
    async def home():
        return show("home", message=None)

    @router.post("/answers")
    async def upload(request: Request):
        try:
            form = await read_form(request, MOST_BYTES)
            photo = form.get("photo")
            if not isinstance(photo, bytes) or not photo:
                raise BodyError("No photo was chosen. Choose one first.", 400)
            shelved = await work(studio.answer, photo)
        except BodyError as error:
            return show("home", error.status, message=str(error))
        except HTTPException as error:
            return show("home", error.status_code, message=error.detail)
        return RedirectResponse(f"/answers/{shelf.put(shelved)}", 303)

    @router.post("/samples/{number}")
    async def choose(number: int):
        if not 0 <= number < len(studio.samples):
            raise HTTPException(404, "There is no such sample.")
        shelved = await work(studio.answer_sample, number)
        return RedirectResponse(f"/answers/{shelf.put(shelved)}", 303)

    @router.get("/samples/{number}.png")
    async def sample(number: int):
        if not 0 <= number < len(studio.samples):
            raise HTTPException(404, "There is no such sample.")
        return await picture(to_png, studio.samples[number])

    @router.get("/answers/{token}")
    async def answer(
        token: str, temperature: Temperature = 0.8, seed: Seed = 0
    ):
        shelved = taken(token)
        faces = await work(view.make_faces, studio, shelved)
        seeds = [(seed + i) % _MAX_SEED for i in range(FEW)]
        return show(
            "answer",
            token=token,
            photo=view.make_photo(shelved),
            faces=faces,
            temperature=temperature,
            seed=seed,
            seeds=seeds,
            next_seed=(seed + FEW) % _MAX_SEED,
        )

    @router.post("/answers/{token}/forget")
    async def forget(token: str):
        shelf.forget(token)
        return RedirectResponse("/", 303)

    @router.get("/answers/{token}/photo.jpg")
    async def photo(token: str):
        pixels = taken(token).answer.photo.pixels
        data = await work(to_jpeg, pixels)
        return Response(data, media_type="image/jpeg", headers=_HOUR)

    @router.get("/answers/{token}/{face}/portrait.png")
    async def portrait(token: str, face: int):
        return await picture(to_png, face_of(taken(token), face).portrait)

    @router.get("/answers/{token}/{face}/saliency/{task}.png")
    async def saliency(token: str, face: int, task: str):
        shelved = taken(token)
        face_of(shelved, face)
        return await picture(studio.saliency, shelved, face, task)

    @router.get("/answers/{token}/{face}/edit/{condition}/{new}.png")
    async def edit(token: str, face: int, condition: str, new: int):
        shelved = taken(token)
        face_of(shelved, face)
        return await picture(studio.edit, shelved, face, condition, new)

    @router.get("/answers/{token}/{face}/new.png")
    async def new(token: str, face: int, temperature: Temperature, seed: Seed):
        shelved = taken(token)
        face_of(shelved, face)
        return await picture(studio.generate, shelved, face, seed, temperature)

    @router.get("/similar/{row}.png")
    async def similar(row: int):
        gallery = studio.gallery
        if gallery is None or not 0 <= row < len(gallery):
            raise HTTPException(404, "There is no such portrait.")
        return await picture(to_png, gallery.images[row])

    @router.get(REPORT_PATH)
    async def report():
        if studio.report is None or not studio.report.is_file():
            raise HTTPException(404, "There is no report of this run.")
        text = await work(studio.report.read_text, "utf-8")
        return HTMLResponse(text)

    @router.get("/page.css")
    async def style():
        text = STYLE + templates.get_template("page.css.j2").render()
        return Response(text, media_type="text/css", headers=_HOUR)

    @router.get("/page.js")
    async def script():
        text = templates.get_template("page.js.j2").render()
        return Response(text, media_type="text/javascript", headers=_HOUR)

    router.tell = lambda status, text: show("home", status, message=text)
    return router
