"""The built-in texts: whether they changed, and their approval as WhatsApp templates."""

from __future__ import annotations

import asyncio
import hashlib
import logging
import sys
from collections.abc import Mapping
from pathlib import Path

from local.config import TWILIO_ACCOUNT, CloudConfig

_log = logging.getLogger(__name__)
_MAKERS = ("domain/whatsapp.py", "services/whatsapp_templates.py", "adapters/dynamodb/content_templates.py")


def texts_fingerprint(config: CloudConfig) -> str | None:
    """Hash the built-in texts and the code that hands them in; None for code that has none."""
    for root in config.code:
        package = root / "carillon"
        if (package / "services" / "whatsapp_templates.py").exists():
            digest = hashlib.sha256()
            for path in sorted((package / "texts").rglob("*.toml")):
                digest.update(path.read_bytes())
            for name in _MAKERS:
                digest.update((package / name).read_bytes())
            return digest.hexdigest()
    return None


async def approve_templates(config: CloudConfig, environment: Mapping[str, str], table: str, twilio_url: str) -> bool:
    """Run the approval in a process of its own, in a worker's environment; answers whether all went well."""
    log_file = config.state_dir / "logs" / "approved_templates.log"
    arguments = (table, twilio_url, *TWILIO_ACCOUNT, str(config.state_dir / "clock"))
    with log_file.open("ab") as log:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "local.approved_templates",
            *arguments,
            env={**environment, "AWS_DEFAULT_REGION": config.region, "PATH": "/usr/bin:/bin"},
            cwd=Path(__file__).parents[1],
            stdin=asyncio.subprocess.DEVNULL,
            stdout=log,
            stderr=log,
        )
        try:
            status = await process.wait()
        except asyncio.CancelledError:
            process.kill()
            await process.wait()
            raise
    if status != 0:
        _log.warning("WhatsApp templates: see %s", log_file)
    return status == 0
