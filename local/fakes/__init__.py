"""Faithful local stand-ins for the services that carry messages out: SES, SNS, Twilio, Telegram, Viber."""
