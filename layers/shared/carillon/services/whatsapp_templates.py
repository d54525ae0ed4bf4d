"""Keeps the WhatsApp templates at Twilio in step with the built-in texts.

Run as often as you like: what exists is left alone, what changed is made anew under another name and takes over once
approved, and what waits is asked about.
"""

from dataclasses import dataclass, field, replace

from carillon.domain.values import value
from carillon.domain.whatsapp import ApprovedText
from carillon.ports.texts import ApprovedTexts, ContentApi, ContentRefused, ContentStore, StoredTemplate, Submitted

_ASKED_AGAIN = frozenset({"received", "pending", "in_review", "under_review"})


@dataclass(slots=True)
class Report:
    """What a run did: how many were created, how many stand in which status, and what Twilio refused."""

    created: int = 0
    statuses: dict[str, int] = field(default_factory=dict)
    refused: list[str] = field(default_factory=list)

    def count(self, status: str) -> None:
        """Count one text's status."""
        self.statuses[status] = self.statuses.get(status, 0) + 1


@value
class WhatsAppTemplates:
    """Creates, submits and follows the templates of the shared sender."""

    texts: ApprovedTexts
    api: ContentApi
    store: ContentStore

    def sync(self) -> Report:
        """Bring Twilio and the store to today's texts; a refusal of one text doesn't keep the others."""
        report = Report()
        stored = {(known.key, known.audience, known.locale): known for known in self.store.all()}
        names: dict[str, str] | None = None
        for text in self.texts.approved():
            known = stored.get((text.key, text.audience, text.locale))
            try:
                if names is None and not _has(known, text):
                    # Twilio may have what a run made that ended before it was stored.
                    names = self.api.names()
                after = self._follow(known, text, {} if names is None else names, report)
            except ContentRefused as refusal:
                report.refused.append(f"{text.name}: {refusal}")
                continue
            if after != known:
                self.store.put(after)
            report.count((after.waiting or after.current).status)
        return report

    def _follow(
        self, known: StoredTemplate | None, text: ApprovedText, names: dict[str, str], report: Report
    ) -> StoredTemplate:
        if known is not None and known.current.name == text.name:
            return replace(known, current=self._asked(known.current, text), waiting=None)
        waiting = known.waiting if known is not None else None
        if waiting is None or waiting.name != text.name:
            waiting = self._made(text, names, report)
        waiting = self._asked(waiting, text)
        # The old one goes on until the new one is approved; one that was never approved has nothing to lose.
        if known is None or waiting.status == "approved" or known.current.status != "approved":
            return StoredTemplate(text.key, text.audience, text.locale, current=waiting)
        return replace(known, waiting=waiting)

    def _made(self, text: ApprovedText, names: dict[str, str], report: Report) -> Submitted:
        content_sid = names.get(text.name)
        if content_sid is None:
            content_sid = names[text.name] = self.api.create(text)
            report.created += 1
            return Submitted(text.name, content_sid, text.text, text.variables, self.api.submit(content_sid, text))
        return Submitted(text.name, content_sid, text.text, text.variables, self.api.status(content_sid))

    def _asked(self, submitted: Submitted, text: ApprovedText) -> Submitted:
        if submitted.status == "unsubmitted":
            return replace(submitted, status=self.api.submit(submitted.content_sid, text))
        if submitted.status in _ASKED_AGAIN:
            return replace(submitted, status=self.api.status(submitted.content_sid))
        return submitted


def _has(known: StoredTemplate | None, text: ApprovedText) -> bool:
    if known is None:
        return False
    return text.name in (known.current.name, known.waiting.name if known.waiting else None)
