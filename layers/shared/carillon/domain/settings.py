"""The settings document of an organization, with the defaults of a new one."""

from dataclasses import field
from datetime import timedelta
from typing import Annotated, Literal

from carillon.domain.constraints import (
    Check,
    Country,
    Duration,
    Email,
    Items,
    Line,
    Locale,
    LocalTime,
    Name,
    PhoneInput,
    Slug,
    Text,
    Url,
    Whole,
    Zone,
    document,
)
from carillon.domain.errors import InvalidValue
from carillon.domain.times import parse_duration

Strategy = Literal["first_reachable", "all"]
ListedChannel = Literal["email", "sms", "whatsapp", "telegram", "viber"]


def _distinct(values: list[str]) -> None:
    if len(set(values)) != len(values):
        raise InvalidValue("must not name a channel twice", "duplicate_key")


Channels = Annotated[list[ListedChannel], Items(max=5), Check(_distinct)]
MAX_REMINDERS = 12


@document
class When:
    """When a reminder goes out: exactly one of four forms.

    `days_before` with `at`: wall time in the appointment's zone. `before`: absolute, so over a change of the clocks
    24 h are 24 h. `after_end` and `after_completed`: absolute.
    """

    __omit_none__ = True

    days_before: Annotated[int, Whole(0, 365)] | None = None
    at: LocalTime | None = None
    before: Duration | None = None
    after_end: Duration | None = None
    after_completed: Duration | None = None

    def __post_init__(self) -> None:
        forms = [self.days_before, self.before, self.after_end, self.after_completed]
        if sum(form is not None for form in forms) != 1 or (self.days_before is None) != (self.at is None):
            raise InvalidValue(
                "must be one of {days_before, at}, {before}, {after_end}, {after_completed}", "invalid_value"
            )

    @property
    def ahead_of_start(self) -> bool:
        """Whether it announces an appointment (as against following it)."""
        return self.days_before is not None or self.before is not None

    @property
    def offset(self) -> timedelta:
        """The duration of an absolute form."""
        text = self.before or self.after_end or self.after_completed
        if text is None:
            raise ValueError("a wall-time form has no offset")
        return parse_duration(text)


@document
class Reminder:
    """One reminder of an organization's defaults or of a client's preferences."""

    key: Slug
    enabled: bool
    when: When
    channels: Channels
    strategy: Strategy = "first_reachable"


def _own(reminders: list[Reminder]) -> None:
    keys = [reminder.key for reminder in reminders]
    if len(set(keys)) != len(keys):
        raise InvalidValue("must not use a reminder key twice", "duplicate_key")


def _all_built_in(reminders: list[Reminder]) -> None:
    _own(reminders)
    missing = [key for key in BUILT_IN_REMINDERS if key not in {reminder.key for reminder in reminders}]
    if missing:
        raise InvalidValue(f"built-in reminders can be disabled, not removed; missing: {', '.join(missing)}")


BUILT_IN_REMINDERS = (
    "day_before",
    "morning_of",
    "hour_before",
    "service_completed",
    "first",
    "second",
    "review",
)
Reminders = Annotated[list[Reminder], Items(max=MAX_REMINDERS), Check(_all_built_in)]
OwnReminders = Annotated[list[Reminder], Items(max=MAX_REMINDERS), Check(_own)]


def _chat(key: str, when: When, *, enabled: bool = True) -> Reminder:
    return Reminder(key=key, enabled=enabled, when=when, channels=["whatsapp", "sms", "email"])


def default_reminders() -> list[Reminder]:
    """Give the seven reminders of a new organization, in their states."""
    return [
        _chat("day_before", When(days_before=1, at="18:00")),
        _chat("morning_of", When(days_before=0, at="08:00")),
        _chat("hour_before", When(before="PT1H"), enabled=False),
        _chat("service_completed", When(after_completed="PT0S")),
        Reminder(key="first", enabled=False, when=When(before="PT24H"), channels=["email", "sms"], strategy="all"),
        Reminder(key="second", enabled=False, when=When(before="PT2H"), channels=["email", "sms"], strategy="all"),
        Reminder(key="review", enabled=False, when=When(after_end="PT2H"), channels=["email"], strategy="all"),
    ]


@document
class Contact:
    """How clients reach the business; templates show it."""

    email: Email | None = None
    phone: PhoneInput | None = None
    address: Line | None = None
    website: Url | None = None


@document
class MessageMode:
    """Whose WhatsApp sender is used: the deployment's shared one, or the organization's own."""

    __omit_none__ = True

    mode: Literal["shared", "own"] = "shared"
    business_name: Name | None = None


@document
class RemindStaff:
    """Whether the collaborators are reminded too, and over which channels."""

    enabled: bool = False
    channels: Channels = field(default_factory=lambda: ["email"])


@document
class QuietHours:
    """A nightly window, in the recipient's zone, in which chat and SMS to clients wait."""

    enabled: bool = False
    start: LocalTime = "21:00"
    end: LocalTime = "08:00"


@document
class ConsentDefaults:
    """What a new client has agreed to for the purpose `service`: `phone` covers sms, whatsapp and viber."""

    phone: bool = False
    email: bool = False


@document
class EmailSender:
    """Whom e-mail comes from."""

    from_: Literal["no_reply", "organization", "staff"] = "no_reply"


@document
class Notified:
    """A manager's or owner's address for event messages."""

    email: Email | None = None
    mobile: PhoneInput | None = None


@document
class RecapOf:
    """A daily recap: for which day, at which wall time in the organization's zone, over which channels."""

    enabled: bool = False
    day: Literal["same_day", "day_before"] = "same_day"
    at: LocalTime = "07:00"
    channels: Channels = field(default_factory=lambda: ["email"])


@document
class Recap:
    """The recaps of collaborators (each his own list) and managers (the whole list)."""

    staff: RecapOf = field(default_factory=RecapOf)
    managers: RecapOf = field(default_factory=RecapOf)
    send_empty: bool = False


@document
class Review:
    """Where a review request leads, and how rarely one client is asked."""

    url: Url | None = None
    at_most_every_days: Annotated[int, Whole(1, 3650)] | None = None


@document
class Status:
    """A status of the business's own, for orders or leads."""

    key: Annotated[str, Text(max=64, min=1)]
    label: dict[Locale, Name] = field(default_factory=dict)
    final: bool = False


Statuses = Annotated[list[Status], Items(max=50)]


@document
class Settings:
    """Everything an organization says about its notifications, apart from rules and templates."""

    name: Name
    time_zone: Zone
    locale: Locale
    country: Country
    contact: Contact = field(default_factory=Contact)
    message_mode: MessageMode = field(default_factory=MessageMode)
    reminders: Reminders = field(default_factory=default_reminders)
    enrol_new_clients: bool = True
    remind_staff: RemindStaff = field(default_factory=RemindStaff)
    late_booking: Literal["skip", "send_now"] = "skip"
    collapse_same_day: bool = False
    fallback_after: Duration | None = None
    quiet_hours: QuietHours = field(default_factory=QuietHours)
    consent_defaults: ConsentDefaults = field(default_factory=ConsentDefaults)
    prevent_duplicate_clients: bool = True
    email_sender: EmailSender = field(default_factory=EmailSender)
    manager: Notified = field(default_factory=Notified)
    owner: Notified = field(default_factory=Notified)
    recap: Recap = field(default_factory=Recap)
    review: Review = field(default_factory=Review)
    order_statuses: Statuses = field(default_factory=list)
    lead_statuses: Statuses = field(default_factory=list)
    link_domains: Annotated[list[Annotated[str, Text(max=253, min=1, pattern=r"[a-z0-9.\-]+")]], Items(max=50)] = field(
        default_factory=list
    )
    retention_days: Annotated[int, Whole(30, 730)] = 90
