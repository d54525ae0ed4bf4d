"""Imports once what a run needs, so that Python keeps it compiled and the first `make run` starts as fast as any."""

from __future__ import annotations

import contextlib
import importlib

MODULES = (
    "local.__main__",
    "local.backend_server",
    "local.approved_templates",
    "local.worker",
    "samtranslator.parser.parser",
    "samtranslator.translator.translator",
    "samtranslator.yaml_helper",
    "functions.settings_api.app",
    "functions.contacts_api.app",
    "functions.records_api.app",
    "functions.messages_api.app",
    "functions.plan_notifications.app",
    "functions.dispatch_reminder.app",
    "functions.send_recap.app",
    "functions.send_email.app",
    "functions.send_sms.app",
    "functions.send_push.app",
    "functions.send_whatsapp.app",
    "functions.send_telegram.app",
    "functions.send_viber.app",
    "functions.callbacks.app",
    "functions.client_pages.app",
    "functions.record_delivery.app",
)


def main() -> None:
    """Import them all; code that doesn't import is the business of the tests."""
    for module in MODULES:
        with contextlib.suppress(ImportError):
            importlib.import_module(module)


if __name__ == "__main__":
    main()
