"""The built-in texts that WhatsApp is to approve, with sample values for the reviewer."""

from carillon.adapters.rendering.renderer import fill
from carillon.adapters.rendering.samples import sample_values
from carillon.adapters.rendering.texts import all_built_in
from carillon.domain.whatsapp import PLACEHOLDER, ApprovedText, approved_text


class BuiltInApproved:
    """See the port `ApprovedTexts`."""

    def approved(self) -> list[ApprovedText]:
        """List every text with words of its own; a key that falls back to a general one needs no template."""
        found = []
        for key, audience, channel, locale, text in all_built_in():
            if channel != "whatsapp" or text is None or text.approved is None or text.key != key:
                continue
            paths = {path: path for path in PLACEHOLDER.findall(text.approved)}
            samples = fill(paths, sample_values(locale), locale)
            found.append(approved_text(key, audience, locale, text.approved, samples))
        return found
