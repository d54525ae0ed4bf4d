"""The import over the API: resumed after a break without doubling, patient with limits, silent about the key."""

import json
from pathlib import Path
from typing import Any

import httpx
import pytest

from tools.importing.__main__ import main
from tools.importing.api import Api

KEY = "crl_live_aurora.key.secret"
COUNT = 250


class PlayedApi:
    """The part of the API that the import calls. `fail_at`: the calls at which the connection dies, counted from 1."""

    def __init__(self) -> None:
        self.clients: dict[str, dict[str, Any]] = {}
        self.appointments: dict[str, dict[str, Any]] = {}
        self.made: list[str] = []
        self.batches: list[str] = []
        self.slept: list[float] = []
        self.script: list[httpx.Response] = []
        self.die_after: int | None = None

    def api(self) -> Api:
        transport = httpx.MockTransport(self.answer)
        return Api("https://api.example.com", KEY, transport=transport, sleep=self.slept.append)

    def answer(self, request: httpx.Request) -> httpx.Response:
        assert request.headers["authorization"] == f"Bearer {KEY}"
        path = request.url.path
        if path == "/v1/settings":
            return _json({"country": "NL", "time_zone": "Europe/Amsterdam", "prevent_duplicate_clients": True})
        if path == "/v1/me":
            return _json({"organization": {"id": "aurora"}, "mode": "live"})
        if path.endswith("/batch"):
            return self.batch(path, request)
        if path == "/v1/clients":
            wanted = dict(request.url.params)
            return _json({"items": [c for c in self.clients.values() if _has(c, wanted)], "next_cursor": None})
        known = path.removeprefix("/v1/clients/") in self.clients
        return _json({}) if known else httpx.Response(404, json={"code": "not_found", "detail": "no"})

    def batch(self, path: str, request: httpx.Request) -> httpx.Response:
        if self.script:
            return self.script.pop(0)
        if self.die_after is not None and len(self.batches) >= self.die_after:
            raise httpx.ReadTimeout("the line is dead")
        self.batches.append(request.headers["idempotency-key"])
        items = json.loads(request.content)["items"]
        assert len(items) <= 100
        return _json({"results": [self.put(path, item) for item in items]})

    def put(self, path: str, item: dict[str, Any]) -> dict[str, Any]:
        store = self.clients if "clients" in path else self.appointments
        if item.get("first_name") == "Refused":
            problem = {"detail": "no", "errors": [{"pointer": "/phone", "message": "client 'x' has it already"}]}
            return {"id": item["id"], "status": 409, "problem": problem}
        new = item["id"] not in store
        store[item["id"]] = item
        self.made += [item["id"]] if new else []
        return {"id": item["id"], "status": 201 if new else 200, "problem": None}


def _has(client: dict[str, Any], wanted: dict[str, str]) -> bool:
    return all(client.get(name) == value for name, value in wanted.items() if name != "limit")


def _json(document: Any) -> httpx.Response:
    return httpx.Response(200, json=document)


@pytest.fixture(autouse=True)
def key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CARILLON_KEY", KEY)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "clients.csv"
    path.write_text("id,first_name\n" + "".join(f"c{number},Client {number}\n" for number in range(COUNT)))
    return path


def test_a_file_goes_in_in_batches_and_again_changes_nothing(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    played = PlayedApi()
    assert main([str(file)], api=played.api()) == 0
    assert (len(played.clients), len(played.batches)) == (COUNT, 3)
    assert main([str(file)], api=played.api()) == 0
    assert len(played.made) == COUNT
    assert "0 new, 250 that were there, 0 refused" in capsys.readouterr().out
    # Another run is another run: the answers of the first are not taken for its own.
    assert len(set(played.batches)) == 6
    assert list(file.parent.iterdir()) == [file]


def test_one_that_broke_off_goes_on_where_it_stopped(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    played = PlayedApi()
    played.die_after = 2
    assert main([str(file)], api=played.api()) == 3
    assert len(played.clients) == 200
    played.die_after = None
    assert main([str(file)], api=played.api()) == 0
    assert "going on: 200 lines were done before" in capsys.readouterr().out
    assert (len(played.made), len(played.clients), len(played.batches)) == (COUNT, COUNT, 3)


def test_a_batch_that_was_done_and_not_noted_is_sent_again_under_the_same_key(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from tools.importing.progress import Progress  # noqa: PLC0415 - patched here only

    class DeadError(Exception):
        pass

    played, note = PlayedApi(), Progress.note

    def dies(self: Progress, lines: list[int], refused: list[Any]) -> None:
        if lines and len(self.done) == 100:
            raise DeadError
        note(self, lines, refused)

    with monkeypatch.context() as patch:
        patch.setattr(Progress, "note", dies)
        with pytest.raises(DeadError):
            main([str(file)], api=played.api())
    assert main([str(file)], api=played.api()) == 0
    assert played.batches[1] == played.batches[2]
    assert len(played.made) == COUNT


def test_limits_and_a_call_that_still_runs_are_waited_for(file: Path) -> None:
    played = PlayedApi()
    played.script = [
        httpx.Response(429, headers={"retry-after": "7"}, json={"message": "Too Many Requests"}),
        httpx.Response(503, headers={"retry-after": "1"}, json={"code": "busy", "detail": "busy"}),
        httpx.Response(409, json={"code": "idempotency_in_progress", "detail": "running"}),
        httpx.Response(502, text="bad gateway"),
    ]
    assert main([str(file)], api=played.api()) == 0
    assert played.slept[:2] == [7.0, 1.0]
    assert len(played.slept) == 4


def test_an_item_that_others_were_writing_is_sent_again(tmp_path: Path) -> None:
    played, path = PlayedApi(), tmp_path / "clients.csv"
    path.write_text("id,first_name\na,Anna\nb,Ben\n")
    busy = {"id": "b", "status": 503, "problem": {"detail": "busy", "errors": []}}
    played.script = [_json({"results": [{"id": "a", "status": 201, "problem": None}, busy]})]
    assert main([str(path)], api=played.api()) == 0
    assert list(played.clients) == ["b"]


def test_refused_lines_are_named_by_line_and_column(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    played, path = PlayedApi(), tmp_path / "clients.csv"
    path.write_text("Nr;Voornaam;Telefoon\na;Anna;\nb;Refused;0612345678\n")
    (tmp_path / "m.toml").write_text('[columns]\nid = "Nr"\nfirst_name = "Voornaam"\nphone = "Telefoon"\n')
    assert main([str(path), "--mapping", str(tmp_path / "m.toml")], api=played.api()) == 1
    assert "line 3, 'Telefoon': client 'x' has it already" in capsys.readouterr().out


def test_nothing_is_sent_while_a_line_is_bad_unless_it_is_to_be_left_out(tmp_path: Path) -> None:
    played, path = PlayedApi(), tmp_path / "clients.csv"
    path.write_text("id,first_name\na,Anna\nb b,Ben\n")
    assert main([str(path)], api=played.api()) == 1
    assert main([str(path), "--dry-run"], api=played.api()) == 1
    assert played.batches == []
    assert main([str(path), "--skip-bad"], api=played.api()) == 1
    assert list(played.clients) == ["a"]


def test_a_dry_run_finds_whose_contact_is_taken_already(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    played, path = PlayedApi(), tmp_path / "clients.csv"
    played.clients["old"] = {"id": "old", "phone": "+31612345678"}
    path.write_text("id,first_name,phone\na,Anna,0612345678\n")
    assert main([str(path), "--dry-run"], api=played.api()) == 1
    assert "line 2, 'phone': client 'old' has it already" in capsys.readouterr().out


def test_appointments_find_their_people_or_bring_them_along(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    played, path = PlayedApi(), tmp_path / "appointments.csv"
    played.clients["old"] = {"id": "old", "phone": "+31612345678"}
    path.write_text(
        "id,client_id,client_name,client_phone,client_email,start,duration_minutes\n"
        "1,,,0612345678,,2026-12-01 10:00,30\n"
        "2,,Ben Bakker,,ben@example.com,2026-12-01 11:00,30\n"
        "3,,,,BEN@example.com,2026-12-02 11:00,30\n"
        "4,old,,,,2026-12-03 11:00,30\n"
    )
    assert main([str(path)], api=played.api()) == 0, capsys.readouterr().out
    (ben,) = [client for client in played.clients.values() if client.get("first_name") == "Ben"]
    assert [each["client_id"] for each in played.appointments.values()] == ["old", ben["id"], ben["id"], "old"]
    assert {each["collection"] for each in played.appointments.values()} == {"appointments"}
    assert not any(each["notify"] for each in played.appointments.values())
    path.write_text("id,client_id,client_phone,start,duration_minutes\n1,gone,,2026-12-01 10:00,30\n")
    assert main([str(path)], api=played.api()) == 1
    path.write_text("id,client_phone,start,duration_minutes\n1,0687654321,2026-12-01 10:00,30\n")
    assert main([str(path)], api=played.api()) == 1
    assert "there is no name to make one of" in capsys.readouterr().out


def test_the_key_is_never_shown_and_what_is_wrong_has_a_code(
    tmp_path: Path, file: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    refused = httpx.MockTransport(lambda _: httpx.Response(403, json={"message": "Forbidden"}))
    dead = httpx.MockTransport(lambda _: (_ for _ in ()).throw(httpx.ConnectError("no route")))
    for transport in (refused, dead):
        assert main([str(file)], api=Api("https://api", KEY, transport=transport, sleep=lambda _: None)) == 3
    assert main([str(tmp_path / "none.csv")]) == 2
    assert main([str(file), "--key-file", str(tmp_path / "none")]) == 2
    monkeypatch.delenv("CARILLON_KEY")
    assert main([str(file)]) == 2
    shown = capsys.readouterr()
    assert "secret" not in shown.out + shown.err
    assert "doesn't take this key" in shown.err
