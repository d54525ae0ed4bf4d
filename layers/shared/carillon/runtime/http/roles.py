"""Sets of roles, as the contract's table "Who calls" gives them; each route names one of them."""

from carillon.domain.organizations import Role

Roles = frozenset[Role]

OPERATOR: Roles = frozenset({"operator"})
"""Organizations as such; nothing inside them."""
INSIDE: Roles = frozenset({"org_admin", "manager", "staff", "integration"})
"""Everyone who belongs to an organization: clients, records, reminders."""
ADMINS: Roles = frozenset({"org_admin"})
"""Settings, rules and activation are changed by administrators alone."""
READERS: Roles = frozenset({"org_admin", "manager", "integration"})
"""Settings and what hangs on them may be read by these."""
MANAGERS: Roles = frozenset({"org_admin", "manager"})
"""What administrators and managers share, as templates."""
STAFF_KEEPERS: Roles = frozenset({"org_admin", "manager", "integration"})
"""Who keeps the list of staff."""
