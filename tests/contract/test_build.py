"""What `make build` made is what Lambda can run. `make build-check` runs this; a plain test run skips it."""

from __future__ import annotations

import json
import os
import struct
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest
from samtranslator.yaml_helper import yaml_parse  # type: ignore[import-untyped]

ROOT: Final = Path(__file__).parents[2]
BUILD: Final = ROOT / ".aws-sam" / "build"
DEPENDENCIES: Final = BUILD / "DependenciesLayer" / "python"
SHARED: Final = BUILD / "SharedLayer" / "python"

if os.environ.get("BUILD_CHECK") != "1":
    pytest.skip("what sam builds was NOT checked here: run `make build build-check`", allow_module_level=True)

ELF_AARCH64: Final = 0xB7
BYTE_CODE_OF_3_13: Final = struct.pack("<H2s", 3571, b"\r\n")
# Flags of a .pyc that is valid by a hash which nobody checks.
UNCHECKED_HASH: Final = struct.pack("<I", 0b01)
# Lambda takes 250 MB with all layers; what one cold start has to fetch should stay far below.
MOST_MEGABYTES: Final = {
    "DependenciesLayer": 70,
    "SharedLayer": 5,
    "SendWhatsappFunction": 90,
    "BillingApiFunction": 30,
    "SettlePaymentsFunction": 30,
}
MOST_MEGABYTES_OF_A_FUNCTION: Final = 1

# What Lambda's Python has installed itself: boto3 and what it needs; botocore takes certifi only where there is one.
RUNTIME_PACKAGES: Final = {"boto3", "botocore", "certifi", "dateutil", "jmespath", "s3transfer", "six", "urllib3"}

IMPORT_HANDLER: Final = """
import importlib, json, os, sys
artefact, shared, module, available = sys.argv[1:]
# At the end: third-party packages come from this machine's environment, the built ones are for another processor.
site = next(path for path in sys.path if path.endswith("site-packages"))
absent = {name.partition(".")[0] for name in os.listdir(site) if name[0] != "_"} - set(available.split())
class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in absent:
            raise ModuleNotFoundError(f"{name} is not there on Lambda", name=name)
sys.meta_path.insert(0, Absent())
sys.path += [artefact, shared]
app = importlib.import_module(module)
import carillon
assert callable(app.lambda_handler)
assert app.__file__.startswith(artefact), app.__file__
assert carillon.__file__.startswith(shared), carillon.__file__
files = {name: getattr(module, "__file__", None) for name, module in sys.modules.items() if "." not in name}
print(json.dumps([name for name, file in files.items() if file and "site-packages" in file]))
"""


def artefacts() -> list[str]:
    resources = yaml_parse((BUILD / "template.yaml").read_text())["Resources"]
    return sorted(name for name, body in resources.items() if body["Type"] == "AWS::Serverless::Function")


def handler_of(artefact: str) -> str:
    resources = yaml_parse((BUILD / "template.yaml").read_text())["Resources"]
    return str(resources[artefact]["Properties"]["Handler"])


def built(pattern: str) -> Iterator[Path]:
    return (path for path in BUILD.rglob(pattern) if path.is_file())


def test_every_function_and_layer_of_the_template_is_built() -> None:
    source = yaml_parse((ROOT / "template.yaml").read_text())["Resources"]
    kinds = ("AWS::Serverless::Function", "AWS::Serverless::LayerVersion")
    wanted = {name for name, body in source.items() if body["Type"] in kinds}
    assert {path.name for path in BUILD.iterdir() if path.is_dir()} == wanted


def test_native_code_is_for_the_processor_and_python_of_the_functions() -> None:
    libraries = list(built("*.so*"))
    assert libraries
    wrong = []
    for path in libraries:
        header = path.read_bytes()[:20]
        machine = struct.unpack_from("<H", header, 18)[0]
        fits = ".cpython-313-" in path.name or ".abi3." in path.name or "cpython" not in path.name
        if header[:4] != b"\x7fELF" or machine != ELF_AARCH64 or not fits:
            wrong.append(str(path.relative_to(BUILD)))
    assert wrong == []


def test_every_module_has_byte_code_that_nobody_checks_again() -> None:
    without = []
    for source in built("*.py"):
        compiled = source.parent / "__pycache__" / f"{source.stem}.cpython-313.pyc"
        header = compiled.read_bytes()[:8] if compiled.exists() else b""
        if header != BYTE_CODE_OF_3_13 + UNCHECKED_HASH:
            without.append(str(source.relative_to(BUILD)))
    assert without == []


def test_twilio_is_only_where_it_is_used() -> None:
    assert {path.relative_to(BUILD).parts[0] for path in BUILD.rglob("twilio")} == {"SendWhatsappFunction"}


def test_stripe_is_only_where_it_is_used() -> None:
    carrying = {path.relative_to(BUILD).parts[0] for path in BUILD.rglob("stripe")}
    assert carrying == {"BillingApiFunction", "SettlePaymentsFunction"}


@pytest.mark.parametrize("package", ["boto3", "botocore"])
def test_what_the_runtime_brings_is_not_shipped(package: str) -> None:
    assert list(BUILD.rglob(package)) == []


def test_the_layer_has_the_pinned_packages_and_no_others() -> None:
    pins = (ROOT / "layers" / "dependencies" / "requirements.txt").read_text().splitlines()
    wanted = {pin.replace("==", "-").replace("-", "_") for pin in pins if not pin.startswith("#")}
    there = {path.stem.replace("-", "_") for path in DEPENDENCIES.glob("*.dist-info")}
    assert there == wanted


def test_the_package_is_shipped_whole() -> None:
    source = ROOT / "layers" / "shared"
    wanted = {
        path.relative_to(source)
        for path in (source / "carillon").rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    there = {path.relative_to(SHARED) for path in SHARED.rglob("*") if path.is_file()}
    assert wanted - there == set()


@pytest.mark.parametrize("artefact", artefacts())
def test_the_handler_is_importable_from_the_artefact(artefact: str) -> None:
    assert sys.version_info[:2] == (3, 13), "the build is checked with the runtime's Python"
    module = handler_of(artefact).rpartition(".")[0]
    shipped = {path.name.partition(".")[0] for folder in (DEPENDENCIES, BUILD / artefact) for path in folder.iterdir()}
    # What a package would use if it were there must not be: Stripe's client tries for a faster one of HTTP.
    there = shipped | RUNTIME_PACKAGES
    given = [str(BUILD / artefact), str(SHARED), module, " ".join(there)]
    run = subprocess.run(
        [sys.executable, "-I", "-W", "error", "-c", IMPORT_HANDLER, *given],
        capture_output=True,
        text=True,
        cwd=BUILD,
        timeout=60,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    site_hooks = {name for name in json.loads(run.stdout) if name.startswith("_")}
    assert set(json.loads(run.stdout)) - there - site_hooks == set()


@pytest.mark.parametrize("artefact", [*artefacts(), "DependenciesLayer", "SharedLayer"])
def test_the_artefact_is_small(artefact: str) -> None:
    size = sum(path.stat().st_size for path in (BUILD / artefact).rglob("*") if path.is_file())
    assert size / 1e6 < MOST_MEGABYTES.get(artefact, MOST_MEGABYTES_OF_A_FUNCTION)
