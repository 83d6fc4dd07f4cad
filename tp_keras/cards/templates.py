"""The templates of cards and report, which refuse to leave a field empty."""

import base64
import pathlib

import jinja2
import numpy as np
from markupsafe import Markup

from tp_keras.errors import UserError
from tp_keras.records.page import table_html
from tp_keras.records.table import markdown_table

_FOLDER = pathlib.Path(__file__).with_name("templates")


def render(name: str, **fields) -> str:
    """Returns a template of `templates/`, filled.

    Args:
        name: Name of its file; HTML is escaped in those that end in
            `.html.j2`.
        fields: What the template shows.

    Raises:
        UserError: If something that it shows is not there, or empty.
    """
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(_FOLDER),
        autoescape=lambda name: name.endswith(".html.j2"),
        undefined=jinja2.StrictUndefined,
        finalize=_not_empty,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters |= {
        "number": _number,
        "count": lambda value: f"{_not_empty(value):,}",
        "markdown": lambda table: markdown_table(table.frame).strip(),
        "html_table": lambda table: Markup(table_html(table)),
        "picture": _picture,
    }
    try:
        return environment.get_template(name).render(fields)
    except jinja2.UndefinedError as error:
        raise UserError(f"A field of {name} is empty. Received: {error}") from (
            error
        )


def _not_empty(value):
    """Returns what a template shows, or raises if it shows nothing."""
    if value is None or not str(value).strip():
        raise jinja2.UndefinedError(f"a field of {value!r}")
    return value


def _number(value) -> str:
    """Returns a number as YAML reads it: its float needs a point."""
    if value is None:
        return "null"
    if isinstance(value, int):
        return str(value)
    return np.format_float_positional(value, trim="0")


def _picture(path) -> str:
    """Returns the PNG file of a path as a page holds it."""
    data = base64.b64encode(pathlib.Path(path).read_bytes()).decode()
    return f"data:image/png;base64,{data}"
