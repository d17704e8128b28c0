"""What every body that a caller sends has in common."""

from __future__ import annotations

from collections.abc import Mapping
from difflib import get_close_matches
from typing import Any

from rest_framework import serializers

FORMS_OWN = frozenset({"csrfmiddlewaretoken"})


class GivenSerializer(serializers.Serializer[Any]):
    """A body that may hold its fields and nothing else: what is misspelt would silently change nothing."""

    def to_internal_value(self, data: Any) -> Any:
        if isinstance(data, Mapping):
            # A form may number the entries of a list: `tags[0]`.
            names = {str(name): str(name).partition("[")[0] for name in data}
            unknown = [name for name, field in names.items() if field not in self.fields and field not in FORMS_OWN]
            if unknown:
                raise serializers.ValidationError({name: [self._cure(name)] for name in unknown})
        return super().to_internal_value(data)

    def _cure(self, name: str) -> str:
        near = get_close_matches(name, self.fields, n=1)
        return f"There is no such field: {f'write {near[0]}' if near else 'write one of ' + ', '.join(self.fields)}."
