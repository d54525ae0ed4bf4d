"""Brings top-ups and the ledger to where Stripe says that they are."""
