"""Files that commands write."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from entrypoints.cli.errors import wrong_usage


@contextmanager
def whole_file(path: Path) -> Iterator[BinaryIO]:
    """What is written into it is there when the block ends, all of it and on the disk, or not at all; for nobody but
    its owner to read. What was there is replaced.

    Raises:
        CommandError: there is something that is no file, or no folder for it.
        OSError: it cannot be written there.
    """
    target = path.resolve()
    if target.exists() and not target.is_file():
        raise wrong_usage(f"{path} is there already, and is no file.")
    if not target.parent.is_dir():
        raise wrong_usage(f"There is no folder {target.parent}.")
    descriptor, own = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.", suffix=".part")
    try:
        with os.fdopen(descriptor, "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        Path(own).replace(target)
    except BaseException:
        Path(own).unlink(missing_ok=True)
        raise
