"""Programs that some tests need and that pip does not install."""

from __future__ import annotations

import os
import shutil
from typing import Final

#: Debian installs it where only root looks.
PGBOUNCER: Final = shutil.which("pgbouncer", path=f"{os.environ.get('PATH', os.defpath)}:/usr/sbin:/usr/local/sbin")
