"""CloudFormation's intrinsic functions, resolved for the local account.

Only what a SAM template may use outside of custom resources; anything else is refused loudly, because a
value that silently resolves wrong would show up far from here.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

_SUBSTITUTION = re.compile(r"\$\{(!?)([^}]+)\}")


class TemplateError(ValueError):
    """The template says something that the local cloud can't resolve."""


class Intrinsics:
    """Resolves Ref, GetAtt, Sub, If and their kin in values of a template."""

    def __init__(
        self,
        template: Mapping[str, Any],
        parameters: Mapping[str, str],
        pseudo: Mapping[str, str],
        attribute: Callable[[str, str | None], Any],
    ) -> None:
        """`attribute(logical_id, name)` answers GetAtt, and Ref when the name is None."""
        self._parameters = dict(parameters)
        self._pseudo = dict(pseudo)
        self._attribute = attribute
        self._mappings: Mapping[str, Any] = template.get("Mappings", {})
        self._conditions: Mapping[str, Any] = template.get("Conditions", {})

    def resolve(self, value: Any) -> Any:
        """`value` with every intrinsic function in it replaced by what it stands for."""
        if isinstance(value, list):
            return [item for item in (self.resolve(entry) for entry in value) if item is not _NO_VALUE]
        if not isinstance(value, dict):
            return value
        if len(value) == 1:
            ((name, argument),) = value.items()
            if name == "Ref":
                return self._ref(argument)
            if name == "Condition" and isinstance(argument, str):
                return self.condition(argument)
            if name.startswith("Fn::"):
                return self._function(name, argument)
        resolved = {key: self.resolve(entry) for key, entry in value.items()}
        return {key: entry for key, entry in resolved.items() if entry is not _NO_VALUE}

    def condition(self, name: str) -> bool:
        """Whether the template's condition `name` holds."""
        if name not in self._conditions:
            raise TemplateError(f"unknown condition {name}")
        return bool(self.resolve(self._conditions[name]))

    def _ref(self, name: str) -> Any:
        if name == "AWS::NoValue":
            return _NO_VALUE
        if name in self._pseudo:
            return self._pseudo[name]
        if name in self._parameters:
            return self._parameters[name]
        return self._attribute(name, None)

    def _function(self, name: str, argument: Any) -> Any:
        method = getattr(self, "_fn_" + name.removeprefix("Fn::").lower(), None)
        if method is None:
            raise TemplateError(f"{name} is not supported by the local cloud")
        return method(argument)

    def _fn_getatt(self, argument: Any) -> Any:
        logical_id, attribute = argument.split(".", 1) if isinstance(argument, str) else argument
        return self._attribute(logical_id, attribute)

    def _fn_sub(self, argument: Any) -> str:
        text, variables = (argument, {}) if isinstance(argument, str) else argument

        def replace(match: re.Match[str]) -> str:
            literal, name = match.groups()
            if literal:
                return "${" + name + "}"
            if name in variables:
                return str(self.resolve(variables[name]))
            if "." in name:
                return str(self._fn_getatt(name))
            return str(self._ref(name))

        return _SUBSTITUTION.sub(replace, text)

    def _fn_if(self, argument: Any) -> Any:
        condition, yes, no = argument
        return self.resolve(yes if self.condition(condition) else no)

    def _fn_equals(self, argument: Any) -> bool:
        left, right = (str(self.resolve(side)) for side in argument)
        return left == right

    def _fn_not(self, argument: Any) -> bool:
        return not self.resolve(argument[0])

    def _fn_and(self, argument: Any) -> bool:
        return all(self.resolve(entry) for entry in argument)

    def _fn_or(self, argument: Any) -> bool:
        return any(self.resolve(entry) for entry in argument)

    def _fn_join(self, argument: Any) -> str:
        separator, values = argument
        return str(separator).join(str(value) for value in self.resolve(values))

    def _fn_select(self, argument: Any) -> Any:
        index, values = argument
        return self.resolve(values)[int(index)]

    def _fn_split(self, argument: Any) -> list[str]:
        separator, text = argument
        return str(self.resolve(text)).split(separator)

    def _fn_findinmap(self, argument: Any) -> Any:
        table, first, second = (self.resolve(part) for part in argument[:3])
        return self._mappings[table][first][second]


_NO_VALUE = object()
