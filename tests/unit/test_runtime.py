"""Configuration, logs and batches."""

from dataclasses import dataclass
from typing import Any

import pytest

from carillon.runtime.batch import Message, each, queue_messages, stream_messages, whole
from carillon.runtime.config import MisconfiguredError, load
from carillon.runtime.logging import logger, scrub
from tests.logs import listening


@dataclass(frozen=True)
class Config:
    table_name: str
    queue_url: str
    sender_id: str


class TestConfig:
    def test_is_read_from_variables_of_the_same_names(self) -> None:
        environ = {"TABLE_NAME": "t", "QUEUE_URL": "q", "SENDER_ID": "", "OTHER": "x"}
        assert load(Config, environ) == Config("t", "q", "")

    def test_names_every_missing_variable_at_once(self) -> None:
        with pytest.raises(MisconfiguredError, match="Config needs the environment variables TABLE_NAME, QUEUE_URL"):
            load(Config, {"SENDER_ID": "x"})


class TestLogs:
    @pytest.mark.parametrize(
        ("text", "kept"),
        [
            ("wrote to anna.b+x@mail.example.com", "wrote to <email>"),
            ("key crl_live_aurora.k1.s3cret!", "key <key>"),
            ("with sk_live_51Hs, rk_test_9 and whsec_abc", "with <key> <key> and <key>"),
            ("Authorization: Bearer abc.def", "Authorization: <key>"),
            ("called +31 6 1234 5678 twice", "called <phone> twice"),
            ("called 06-12345678", "called <phone>"),
            ("at 2026-11-23T09:00:00Z", "at 2026-11-23T09:00:00Z"),
            ("appointments/4212345678", "appointments/4212345678"),
            ("01JD8ZP5T2Q6W4R8X0Y1Z2A3B4", "01JD8ZP5T2Q6W4R8X0Y1Z2A3B4"),
        ],
    )
    def test_mask_addresses_numbers_and_keys_in_text(self, text: str, kept: str) -> None:
        assert scrub(text) == kept

    def test_drop_what_stands_under_a_telling_name_at_any_depth(self) -> None:
        assert scrub({"a": [{"first_name": "Anna", "n": 1}], "secret": "x", "body": None}) == {
            "a": [{"first_name": "<redacted>", "n": 1}],
            "secret": "<redacted>",
            "body": None,
        }

    def test_write_one_line_of_json_also_for_an_error(self) -> None:
        error = ValueError("anna@example.com")
        with listening() as log:
            logger().error("failed", extra={"message_id": "m1", "to": "+31612345678"}, exc_info=error)
        (entry,) = log.entries
        assert (entry["message_id"], entry["to"], entry["level"]) == ("m1", "<redacted>", "ERROR")
        assert "anna@example.com" not in log.text
        assert "ValueError" in entry["exception"]


def queue_event(*bodies: str) -> dict[str, Any]:
    attributes = {"ApproximateReceiveCount": "2"}
    return {
        "Records": [{"messageId": f"m{n}", "body": body, "attributes": attributes} for n, body in enumerate(bodies)]
    }


class TestBatches:
    def test_read_messages_and_count_their_deliveries(self) -> None:
        assert queue_messages(queue_event('{"o": "aurora"}')) == [Message("m0", {"o": "aurora"}, 2)]

    def test_read_stream_records_under_their_sequence_numbers(self) -> None:
        event = {"Records": [{"dynamodb": {"SequenceNumber": "7", "NewImage": {}}}]}
        assert stream_messages(event) == [Message("7", {"SequenceNumber": "7", "NewImage": {}})]

    def test_report_only_what_failed_and_log_it_once(self) -> None:
        handled = []

        def handle(message: Message) -> None:
            if message.body["n"] == 1:
                raise RuntimeError("no")
            handled.append(message.id)

        with listening() as log:
            answer = each(queue_messages(queue_event('{"n": 0}', '{"n": 1}', "{", '{"n": 3}', "[]")), handle)
        assert handled == ["m0", "m3"]
        assert {item["itemIdentifier"] for item in answer["batchItemFailures"]} == {"m1", "m2", "m4"}
        assert sorted(entry["record_ids"] for entry in log.entries) == [["m1"], ["m2"], ["m4"]]

    def test_handle_a_batch_at_once(self) -> None:
        error = RuntimeError("later")
        messages = queue_messages(queue_event("{}", "{}"))
        with listening() as log:
            failed = whole(messages, lambda batch: {batch[1].id: error})
        assert failed == {"batchItemFailures": [{"itemIdentifier": "m1"}]}
        assert len(log.entries) == 1
        assert whole(messages, lambda _: None) == {"batchItemFailures": []}

    def test_count_all_as_failed_when_the_batch_as_a_whole_fails(self) -> None:
        def handle(_: object) -> None:
            raise RuntimeError("no")

        with listening() as log:
            answer = whole(queue_messages(queue_event("{}", "{}")), handle)
        assert [item["itemIdentifier"] for item in answer["batchItemFailures"]] == ["m0", "m1"]
        assert len(log.entries) == 1
