"""Every key of the table, in one place. `o` is the data set: an organization's id, with `~test` for its test data.

Each key begins with the data set, so no request can reach another tenant's items, whatever else goes wrong.
"""

import zlib
from datetime import datetime

from carillon.domain.ids import digest
from carillon.domain.times import iso

Key = tuple[str, str]
SHARDS = 4
"""Shards of an organization's client list and of the list of organizations."""


def shard(text: str) -> int:
    """Choose the shard of a list that something with this id stands in."""
    return zlib.crc32(text.encode()) % SHARDS


def client_list(o: str, number: int) -> str:
    """GSI1 partition: a shard of an organization's clients, by name."""
    return f"{o}#CL#{number}"


def organization(o: str) -> Key:
    """The organization, its activation and its tombstone."""
    return f"{o}#ORG", "ORG"


def settings(o: str) -> Key:
    """The settings document."""
    return f"{o}#CFG", "SETTINGS"


def rules(o: str) -> Key:
    """The rules document; absent while the defaults are in force."""
    return f"{o}#CFG", "RULES"


def template(o: str, key: str, audience: str, channel: str, locale: str) -> Key:
    """An organization's own text."""
    return f"{o}#TPL", f"T#{key}#{audience}#{channel}#{locale}"


def template_version(o: str, place: str, version: int) -> Key:
    """One version of an own text; `place` is `key#audience#channel#locale`."""
    return f"{o}#TPL", f"V#{place}#{version:08d}"


def template_index(o: str) -> Key:
    """The list of the own texts in force; absent while there never was one."""
    return f"{o}#TPL", "INDEX"


def audit(o: str, month: str, ulid: str) -> Key:
    """An audit entry; `month` is yyyymm."""
    return f"{o}#AUD#{month}", ulid


def api_key(o: str, key_id: str) -> Key:
    """An API key of a data set."""
    return f"{o}#KEY", key_id


def idempotency(o: str, digest: str) -> Key:
    """The stored answer of a POST with an Idempotency-Key."""
    return f"{o}#IDM#{digest}", "-"


def client(o: str, client_id: str) -> Key:
    """A client: profile, preferences, current consents."""
    return f"{o}#C#{client_id}", "-"


def consent_entry(o: str, client_id: str, ulid: str) -> Key:
    """An entry of a client's consent ledger."""
    return f"{o}#C#{client_id}", f"K#{ulid}"


def review_request(o: str, client_id: str) -> Key:
    """When a client was last asked for a review."""
    return f"{o}#C#{client_id}", "REVIEW"


def opting_entry(o: str, ref: str, ulid: str) -> Key:
    """An entry of the ledger of what a person said of a channel: a client's own, else one by `s:<id>` or `r:<role>`."""
    if ref.startswith("c:"):
        return consent_entry(o, ref[2:], ulid)
    return f"{o}#K#{ref}", f"K#{ulid}"


def phone_guard(o: str, e164: str) -> Key:
    """The uniqueness guard of a phone number."""
    return f"{o}#U#p:{e164}", "GUARD"


def email_guard(o: str, folded: str) -> Key:
    """The uniqueness guard of an e-mail address, case folded."""
    return f"{o}#U#e:{folded}", "GUARD"


def chat(o: str, channel: str, chat_id: str) -> Key:
    """The partition of the clients that have linked a chat, as that of a contact; nobody guards it."""
    return f"{o}#U#{channel[0]}:{chat_id}", "GUARD"


def link(o: str, name: str) -> Key:
    """A one-time link to a chat, by the hash of its payload or by who is still to join."""
    return f"{o}#LNK#{name}", "-"


def contact_lookup(guard: Key, client_id: str) -> Key:
    """The row by which a client is found under its phone or e-mail."""
    return guard[0], f"C#{client_id}"


def device_claim(o: str, endpoint: str) -> Key:
    """Whose a device's endpoint is."""
    return f"{o}#U#d:{digest(endpoint)}", "-"


def name_word(o: str, word: str, client_id: str) -> Key:
    """The row by which a client is found under a word of its name."""
    return f"{o}#N#{word[:2]}", f"{word}#{client_id}"


def suppression(o: str, digest: str, channel: str) -> Key:
    """What is known against an address, which its keyed hash stands for."""
    return f"{o}#X#{digest}", channel


def staff(o: str, staff_id: str) -> Key:
    """A member of the business."""
    return f"{o}#STAFF", staff_id


def record(o: str, ref: str) -> Key:
    """A record with its plan and outbox; `ref` is `appointments/42`."""
    collection, _, record_id = ref.partition("/")
    return f"{o}#R#{collection}:{record_id}", "-"


def client_records(o: str, client_id: str) -> str:
    """GSI1 partition: the records of a client, by start."""
    return f"{o}#RC#{client_id}"


def day_records(o: str, day: str, shard: int = 0) -> str:
    """GSI2 partition: the records that start on a day (UTC)."""
    return f"{o}#A#{day}#{shard}"


def due_row(o: str, due: datetime, ref: str, name: str, generation: int) -> Key:
    """The immutable row of a planned reminder, under the UTC day on which it is due."""
    return due_day(o, due.date().isoformat()), f"{iso(due)}#{ref}#{name}#{generation}"


def due_day(o: str, day: str, shard: int = 0) -> str:
    """Partition of the reminders due on a day (UTC)."""
    return f"{o}#D#{day}#{shard}"


def message(o: str, recipient: str, digest: str) -> Key:
    """A message, under its recipient (`c:42`, `s:7`, `r:manager`)."""
    return f"{o}#P#{recipient}", f"M#{digest}"


def message_body(o: str, recipient: str, digest: str) -> Key:
    """What a message is to say, where that does not follow from a record."""
    return f"{o}#P#{recipient}", f"B#{digest}"


def reply(o: str, digest: str) -> Key:
    """What a person wrote back, by its provider's id."""
    return f"{o}#IN#{digest}", "-"


def replies(o: str) -> str:
    """GSI1 partition: what people wrote back, by ULID."""
    return f"{o}#IN"


def client_replies(o: str, client_id: str) -> str:
    """GSI2 partition: what one client wrote back, by ULID."""
    return f"{o}#IN#{client_id}"


def day_messages(o: str, day: str, shard: int = 0) -> str:
    """GSI2 partition: the messages made on a day (UTC), by ULID."""
    return f"{o}#M#{day}#{shard}"


def problem_messages(o: str, status: str) -> str:
    """GSI3 partition: messages in a problem status, by ULID."""
    return f"{o}#S#{status}"


def organizations(shard: int) -> str:
    """Partition of the list of organizations, under the reserved tenant."""
    return f"@#ORGS#{shard}"


def mail_domain(domain: str) -> Key:
    """Whose a mail domain is, under the reserved tenant."""
    return f"@#SES#{domain}", "-"


def whatsapp_template(o: str, key: str, audience: str, locale: str) -> Key:
    """The approved template of a WhatsApp sender for one text; the shared sender's are the reserved tenant's."""
    return whatsapp_templates(o), f"{key}#{audience}#{locale}"


def whatsapp_templates(o: str) -> str:
    """Partition of a WhatsApp sender's templates."""
    return f"{o}#WAT"


def channel(o: str, name: str) -> Key:
    """An organization's own sender of a channel."""
    return f"{o}#CHN", name


def channel_reference(channel_id: str) -> Key:
    """Whose a channel id is, under the reserved tenant: webhooks carry it."""
    return f"@#CH#{channel_id}", "-"


def last_writer(sender: str, address: str) -> Key:
    """Which organization wrote last to a person from a shared sender, under the reserved tenant."""
    return f"@#W#{sender}#{address}", "-"


def rate(o: str) -> Key:
    """How far the organization's rate is given away, after a burst."""
    return f"{o}#RATE", "-"


def sweep(o: str) -> Key:
    """Up to where an organization was swept."""
    return f"{o}#SWP", "-"


def replan(o: str) -> Key:
    """Where an organization's re-planning stands."""
    return f"{o}#RPL", "-"


def quota_pool(o: str, bucket: str) -> Key:
    """A bucket's pool and counters; its ledger lies beside it."""
    return quota_books(o, bucket), "POOL"


def quota_books(o: str, bucket: str) -> str:
    """Partition of a bucket's pool, ledger and days."""
    return f"{o}#Q#{bucket}"


def quota_shard(o: str, bucket: str, number: int) -> Key:
    """A shard of a bucket, in a partition of its own."""
    return f"{o}#Q#{bucket}#{number}", "BAL"


def quota_entry(o: str, bucket: str, ulid: str) -> Key:
    """A row of a bucket's ledger."""
    return quota_books(o, bucket), f"L#{ulid}"


def quota_credit(o: str, bucket: str, digest: str) -> Key:
    """What makes a credit one, however often it is brought."""
    return quota_books(o, bucket), f"K#{digest}"


def quota_day(o: str, bucket: str, day: str) -> Key:
    """What the messages of a day (UTC) took."""
    return quota_books(o, bucket), f"DAY#{day}"


def quota_event(o: str, bucket: str, at: str, kind: str) -> Key:
    """A crossing that people are to be told of."""
    return quota_books(o, bucket), f"X#{at}#{kind}"


def recaps(o: str) -> Key:
    """Which schedules of recaps a data set has, and which recaps were dealt with."""
    return f"{o}#RCP", "-"


def billing(o: str, name: str) -> Key:
    """An organization's billing `DETAILS`, its `CUSTOMER` at Stripe, a top-up (`T#`), an Idempotency-Key (`K#`)."""
    return f"{o}#BIL", name
