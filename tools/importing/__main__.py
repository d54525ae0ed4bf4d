"""Brings a CSV file of clients or of appointments into Carillon, over its HTTPS API.

Every line is checked before the first one is sent. One that broke off goes on where it stopped when it is run again;
nobody is told of what is brought in. docs/importing.md says how columns are named and mapped.

The key comes from the environment variable CARILLON_KEY, or from a file (--key-file); it is never printed.

Exit codes: 0 all is in (or all would be), 1 some lines are not, 2 the file or its mapping can't be read, 3 the API
can't be reached, doesn't take the key, or broke off; run it again.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections import Counter
from pathlib import Path

from tools.importing.api import Api, ApiError
from tools.importing.building import Account, Made
from tools.importing.checking import Checked, check
from tools.importing.faults import BadLine, FileError
from tools.importing.mapping import Columns, load
from tools.importing.progress import Progress
from tools.importing.reading import Sheet, read
from tools.importing.references import others_with, resolve
from tools.importing.sending import send

LOCAL = "http://127.0.0.1:8080"
PATHS = {"clients": "/v1/clients/batch", "appointments": "/v1/records/batch"}


def main(arguments: list[str] | None = None, *, api: Api | None = None) -> int:
    """Import, or with --dry-run say what would come of it; gives the exit code."""
    options = _options(arguments)
    try:
        mapping = load(options.mapping)
        sheet = read(options.file, options.encoding or mapping.encoding, options.delimiter or mapping.delimiter)
        columns = mapping.of(sheet.columns, options.kind)
        key = _key(options)
    except FileError as error:
        sys.stderr.write(f"{options.file}: {error}\n")
        return 2
    speaker = api or Api(options.api, key)
    try:
        account, whose = _account(speaker)
        checked = check(sheet, columns, mapping, account, options.dates)
        people = _refer(speaker, checked, columns, account, dry=options.dry_run)
        _tell(sheet, columns, checked)
        if options.dry_run or (checked.bad and not options.skip_bad):
            _say_what_next(checked, people, dry=options.dry_run)
            return 1 if checked.bad else 0
        progress = Progress.of(options.file, f"{sheet.digest} {whose} {hash_of(mapping.text, columns.kind)}")
        return _import(speaker, columns, checked, people, progress)
    except ApiError as error:
        sys.stderr.write(f"{error}\n")
        return 3
    finally:
        speaker.close()


def hash_of(*parts: str) -> str:
    """Tell mappings apart."""
    from carillon.domain.ids import digest  # noqa: PLC0415 - one use

    return digest(*parts)


def _account(api: Api) -> tuple[Account, str]:
    """Read by what lines are read, and whose data they become."""
    settings, me = api.get("/v1/settings"), api.get("/v1/me")
    account = Account(settings["country"], settings["time_zone"], settings["prevent_duplicate_clients"])
    return account, f"{me['organization']['id']} {me['mode']}"


def _refer(api: Api, checked: Checked, columns: Columns, account: Account, *, dry: bool) -> list[Made]:
    """Look up what the lines refer to; gives the people who are to be made before the appointments."""
    people: list[Made] = []
    if columns.kind == "appointments":
        people = resolve(api, checked.good, account)
    elif dry:
        others_with(api, checked.good, account)
    checked.bad = sorted([*checked.bad, *(bad for made in checked.good for bad in made.bad)])
    checked.good = [made for made in checked.good if not made.bad]
    return people


def _tell(sheet: Sheet, columns: Columns, checked: Checked) -> None:
    if columns.left_out:
        sys.stdout.write(f"columns left out: {', '.join(columns.left_out)}\n")
    for bad in checked.bad:
        sys.stdout.write(f"{bad}\n")
    lines = len({bad.line for bad in checked.bad})
    count = len(sheet.rows) + len({bad.line for bad in sheet.bad})
    sys.stdout.write(f"{count} {columns.kind}: {len(checked.good)} good, {lines} bad\n")


def _say_what_next(checked: Checked, people: list[Made], *, dry: bool) -> None:
    if people:
        sys.stdout.write(f"{len(people)} people of the appointments are new and would become clients\n")
    if dry:
        sys.stdout.write("dry run: nothing was sent\n")
    elif checked.bad:
        sys.stdout.write("nothing was sent; mend the lines, or leave them out with --skip-bad\n")


def _import(api: Api, columns: Columns, checked: Checked, people: list[Made], progress: Progress) -> int:
    if progress.done:
        sys.stdout.write(f"going on: {len(progress.done)} lines were done before\n")
    if people:
        made, refused = _people(api, people, progress)
        sys.stdout.write(f"{made} new clients from the appointments\n")
        if refused:
            for bad in refused:
                sys.stdout.write(f"{bad}\n")
            sys.stdout.write("their appointments need them; mend these lines and run it again\n")
            return 1
    items = checked.good
    if columns.kind == "appointments":
        for each in items:
            each.item = {"collection": "appointments", **each.item}
    total: Counter[str] = Counter()
    for counted in send(api, PATHS[columns.kind], items, progress):
        total += counted
        sys.stdout.write(f"{len(progress.done)} of {len(items)}\n")
    for bad in progress.refused:
        sys.stdout.write(f"{bad}\n")
    refused_lines = len({bad.line for bad in progress.refused})
    sys.stdout.write(f"{total['new']} new, {total['there']} that were there, {refused_lines} refused\n")
    progress.finish()
    return 1 if refused_lines or checked.bad else 0


def _people(api: Api, people: list[Made], progress: Progress) -> tuple[int, list[BadLine]]:
    """Make the clients whom appointments name by a contact; their lines are not done by that."""
    apart = Progress(progress.path.with_name(f"{progress.path.name}.people"), progress.what, run=progress.run)
    made = sum(sum(counted.values()) - counted["refused"] for counted in send(api, PATHS["clients"], people, apart))
    apart.finish()
    return made, apart.refused


def _key(options: argparse.Namespace) -> str:
    if options.key_file is not None:
        try:
            return str(options.key_file.read_text("utf-8").strip())
        except OSError as error:
            raise FileError(f"the key file can't be read: {error.strerror}") from error
    key = os.environ.get("CARILLON_KEY", "").strip()
    if not key:
        raise FileError("no key: set CARILLON_KEY, or name a file with --key-file")
    return key


def _options(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m tools.importing", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("file", type=Path, help="the CSV file")
    parser.add_argument("--api", default=os.environ.get("CARILLON_API") or LOCAL, help="base URL; CARILLON_API, local")
    parser.add_argument("--key-file", type=Path, help="a file that holds the API key and nothing else")
    parser.add_argument("--mapping", type=Path, help="a TOML file that says which column is what")
    parser.add_argument("--kind", choices=["clients", "appointments"], help="told by the columns without it")
    parser.add_argument("--dry-run", action="store_true", help="check and list every bad line; send nothing")
    parser.add_argument("--skip-bad", action="store_true", help="bring the good lines in although others are bad")
    parser.add_argument("--encoding", help="such as cp1252; UTF-8, or what the file's mark says, without it")
    parser.add_argument("--delimiter", help="told by the first line without it")
    parser.add_argument("--dates", choices=["day-first", "month-first"], help="where 1/12 may be two days")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
