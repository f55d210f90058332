"""Pack the built website into a zip file, for readers without a network.

    python tools/offline.py SITE          (part of `make book`)

The file lies in the website itself, where the start page links to it.
"""

import re
import sys
from pathlib import Path
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

NAME = "small-steps"
_LINK_TO_ITSELF = re.compile(rb'<a [^>]*href="[^"]*small-steps\.zip"[^>]*>(.*?)</a>', re.DOTALL)


def pack(site: Path) -> Path:
    """Write ``small-steps.zip`` into a folder, holding all else that is in it.

    The same website gives the same bytes, whenever it is packed.
    """
    target = site / f"{NAME}.zip"
    target.unlink(missing_ok=True)
    files = sorted(path for path in site.rglob("*") if path.is_file())
    with ZipFile(target, "w", ZIP_DEFLATED) as archive:
        for path in files:
            entry = ZipInfo(f"{NAME}/{path.relative_to(site).as_posix()}")
            entry.compress_type = ZIP_DEFLATED
            content = path.read_bytes()
            if path.suffix == ".html":  # the copy does not hold itself
                content = _LINK_TO_ITSELF.sub(rb"\1", content)
            archive.writestr(entry, content)
    return target


if __name__ == "__main__":
    pack(Path(sys.argv[1]))
