"""All commands by name: `python -m training train demo`, installed `tp-keras`.

What is listed is read from the sources, so that no command is imported.
"""

import ast
import difflib
import pathlib
import runpy
import sys

from tp_keras.command_line import command_line
from tp_keras.errors import UserError

from .endings import errors_told


def command_names() -> list[str]:
    """Returns the commands: the modules that can be executed."""
    return sorted(
        path.stem
        for path in pathlib.Path(__file__).parent.glob("[!_]*.py")
        if '\nif __name__ == "__main__":' in path.read_text("utf-8")
    )


def main() -> None:
    """Executes the command that the first word names, or lists all."""
    names = command_names()
    name = sys.argv[1] if len(sys.argv) > 1 else "--help"
    with errors_told():
        if name in ("-h", "--help"):
            usage = command_line(f"{__package__}.COMMAND")
            print(f"usage: {usage} [--help] ...\n")
            for name in names:
                print(f"  {name:<15}  {_summary(name)}")
            return
        if name not in names:
            (nearest,) = difflib.get_close_matches(name, names, cutoff=0, n=1)
            raise UserError(
                f"Expected a command out of {', '.join(names)}. The nearest "
                f"is `{command_line(f'training.{nearest}')}`. "
                f"Received: command={name}"
            )
    del sys.argv[1]
    runpy.run_module(
        f"{__package__}.{name}", run_name="__main__", alter_sys=True
    )


def _summary(name):
    """Returns the first line of a command's docstring."""
    source = pathlib.Path(__file__).with_name(f"{name}.py").read_text("utf-8")
    return ast.get_docstring(ast.parse(source)).partition("\n")[0]


if __name__ == "__main__":
    main()
