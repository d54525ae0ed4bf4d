"""Why a message did not go out, as the contract names it; the catalog shows each with its label."""

SUPPRESSED = (
    "notifications_inactive",
    "not_enrolled",
    "rule_disabled",
    "reminder_disabled",
    "consent_missing",
    "opted_out",
    "no_address",
    "invalid_address",
    "address_bounced",
    "address_complained",
    "channel_not_connected",
    "whatsapp_template_missing",
    "quota_exhausted",
    "too_late",
    "quiet_hours",
    "superseded",
    "duplicate",
    "recipient_is_actor",
    "rate_limited",
    "covered_by_other_channel",
    "review_too_soon",
)
"""Decided against; `too_late` also stands for what expired while it waited."""
FAILED = (
    "recipient_rejected",
    "unreachable",
    "blocked_by_recipient",
    "content_rejected",
    "sender_misconfigured",
    "template_error",
    "provider_error",
    "attempts_exhausted",
)
"""Tried in vain."""
UNKNOWN = ("provider_timeout", "connection_lost", "provider_5xx")
"""Handed over, and the answer got lost."""
REASONS = SUPPRESSED + FAILED + UNKNOWN
