"""What the gate found in one folder."""

import dataclasses
import pathlib

from tp_keras.errors import UserError


@dataclasses.dataclass(frozen=True)
class Report:
    """What was found in the folder of a version, a model or all models.

    Attributes:
        folder: The folder.
        faults: A sentence for each fault.
        differences: The greatest difference of each signature to what the
            model answered; see `check_answers`.
        seen: What of it was in order, in words.
    """

    folder: pathlib.Path
    faults: tuple[str, ...] = ()
    differences: dict[str, float] = dataclasses.field(default_factory=dict)
    seen: str = ""

    def require(self) -> "Report":
        """Returns itself; raises `UserError` with all faults if there are."""
        if self.faults:
            raise UserError(
                f"The bundle would not serve. {' '.join(self.faults)} "
                f"Received: {self.folder}"
            )
        return self

    def __str__(self) -> str:
        """A line of where and what, and one for each fault."""
        state = "FAULTY" if self.faults else "passes"
        lines = [f"{self.folder}: {state}"]
        lines += [f"  - {fault}" for fault in self.faults]
        if self.seen and not self.faults:
            lines.append(f"  {self.seen}")
        return "\n".join(lines)
