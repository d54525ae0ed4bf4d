"""What a cold start costs each function: instructions of its import and its first clients, against its floor.

    python bench/imports.py [FUNCTION ...]

The floor is the same third-party and standard modules and the same AWS clients, without a line of ours. Instructions
are counted by valgrind (`apt-get install valgrind`), so the figures repeat to the digit wherever the same versions
run, however busy the machine is. Byte code is compiled beforehand, as in what is deployed.
"""

from __future__ import annotations

import compileall
import json
import os
import re
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).parents[1]
OURS = ("carillon", "functions")
CLIENTS = {
    "authorizer": ["dynamodb"],
    "settings_api": ["dynamodb"],
    "contacts_api": ["dynamodb"],
    "records_api": ["dynamodb"],
    "messages_api": ["dynamodb"],
    "billing_api": ["dynamodb"],
    "callbacks": ["dynamodb", "secretsmanager"],
    "client_pages": ["dynamodb", "secretsmanager"],
    "plan_notifications": ["dynamodb", "sqs", "scheduler"],
    "dispatch_reminder": ["dynamodb", "sqs"],
    "send_recap": ["dynamodb", "sqs"],
    "run_jobs": ["dynamodb", "sqs", "scheduler"],
    "sweep": ["dynamodb", "sqs"],
    "settle_payments": ["dynamodb", "secretsmanager"],
    "record_delivery": ["dynamodb", "secretsmanager"],
    "send_email": ["dynamodb", "sesv2"],
    "send_sms": ["dynamodb", "sns"],
    "send_whatsapp": ["dynamodb", "secretsmanager"],
    "send_push": ["dynamodb", "sns"],
    "send_telegram": ["dynamodb"],
    "send_viber": ["dynamodb"],
}
"""The clients that a function makes for its first event."""
GOALS = {"dispatch_reminder": 1050, "send_whatsapp": 1750, "billing_api": 2100, "settle_payments": 1750}
"""Million instructions; senders and doors have their common ones below. Stripe's client alone takes some 450."""
SENDER_GOAL, DOOR_GOAL, RATIO_GOAL = 1350, 1520, 1.10
MAKE = "from carillon.adapters.aws import client\nfor name in {clients}: client(name)"
MAKE_BARE = (
    "import botocore.session\nsession = botocore.session.get_session()\n"
    "for name in {clients}: session.create_client(name)"
)


def main(functions: list[str]) -> int:
    """Measure and print; 1 when a goal is missed."""
    if shutil.which("valgrind") is None:
        print("valgrind counts the instructions; install it with: apt-get install valgrind", file=sys.stderr)
        return 2
    for folder in ("layers/shared/carillon", "functions"):
        compileall.compile_dir(ROOT / folder, quiet=1)
    chosen = functions or sorted(path.parent.name for path in (ROOT / "functions").glob("*/app.py"))
    bare = instructions("pass")
    print(f"bare Python {bare:.0f} M instructions\n")
    print(f"{'function':<20}{'floor M':>9}{'ours M':>9}{'ratio':>8}{'goal M':>9}")
    with ThreadPoolExecutor(max_workers=2) as threads:
        rows = list(threads.map(measure, chosen))
    missed = 0
    for name, floor, ours in rows:
        limit = goal(name)
        over = ours > floor * RATIO_GOAL or (limit is not None and ours > limit)
        missed += over
        print(f"{name:<20}{floor:>9.0f}{ours:>9.0f}{ours / floor:>8.2f}{limit or '-':>9}{'  missed' if over else ''}")
    return 1 if missed else 0


def goal(name: str) -> int | None:
    """Give the absolute goal of a function, where it has one."""
    if name in GOALS:
        return GOALS[name]
    if name.startswith("send_"):
        return SENDER_GOAL
    return DOOR_GOAL if name.endswith("_api") else None


def measure(name: str) -> tuple[str, float, float]:
    """Count a function's floor and its own start, in million instructions."""
    clients = CLIENTS.get(name, ["dynamodb"])
    ours = f"import functions.{name}.app\n" + MAKE.format(clients=clients)
    listed = python(f"{ours}\nimport json, sys\nprint(json.dumps(list(sys.modules)))")
    foreign = [module for module in json.loads(listed) if module.partition(".")[0] not in OURS]
    floor = (
        f"import importlib\nfor name in {foreign}:\n"
        "    try: importlib.import_module(name)\n    except ImportError: pass\n"
    )
    return name, instructions(floor + MAKE_BARE.format(clients=clients)), instructions(ours)


def python(code: str) -> str:
    """Run code in a fresh interpreter; gives its output."""
    done = subprocess.run([sys.executable, "-c", code], env=environment(), capture_output=True, text=True, check=True)
    return done.stdout


def instructions(code: str) -> float:
    """Count the instructions of code in a fresh interpreter, in millions."""
    command = ["valgrind", "--tool=cachegrind", "--cache-sim=no", "--cachegrind-out-file=/dev/null"]
    done = subprocess.run(
        [*command, sys.executable, "-c", code], env=environment(), capture_output=True, text=True, check=True
    )
    counted = re.search(r"I +refs: +([\d,]+)", done.stderr)
    if counted is None:
        raise RuntimeError(done.stderr[-500:])
    return int(counted[1].replace(",", "")) / 1e6


def environment() -> dict[str, str]:
    """Give what makes every run the same."""
    path = os.pathsep.join([str(ROOT), str(ROOT / "layers" / "shared")])
    fixed = {"PYTHONPATH": path, "PYTHONHASHSEED": "0", "AWS_DEFAULT_REGION": "eu-central-1"}
    return os.environ | fixed | {"AWS_ACCESS_KEY_ID": "bench", "AWS_SECRET_ACCESS_KEY": "bench"}


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
