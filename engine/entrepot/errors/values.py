"""Names and values that were refused."""

from __future__ import annotations

from collections.abc import Mapping

from entrepot.errors.error import JSON, EntrepotError


class MissingResource(EntrepotError):
    """A named resource does not exist."""

    code, status = "PLP0009", 404

    def __init__(self, **resources: str) -> None:
        """Name the missing resources as `type=id`."""
        named: dict[str, JSON] = dict(resources)
        text = ", ".join(f"{kind}={name}" for kind, name in resources.items())
        super().__init__(f"Missing resource(s): {text}", resources=named)


class OperationConflict(EntrepotError):
    """The operation contradicts what exists or runs now."""

    code, status = "PLP0010", 409


class InvalidValue(EntrepotError):
    """A value was refused."""

    code, status = "PLP0015", 400

    def __init__(self, *names: str, why: str = "", reasons: Mapping[str, str] | None = None) -> None:
        """Name the refused properties; `why` says what would be accepted, or `reasons` for each of them."""
        self.reasons: Mapping[str, str] = reasons or {}
        why = why or "; ".join(f"{name}: {reason}" for name, reason in self.reasons.items())
        text = f"Invalid properties: {list(names)}" + (f": {why}" if why else "")
        super().__init__(text, property_names=list(names))
        self.why = why


class InvalidSettings(InvalidValue):
    """The engine's own settings are not usable."""

    code = "PLP2001"

    def __init__(self, problems: Mapping[str, str]) -> None:
        """Name each refused setting with its problem."""
        super().__init__(*problems, why="; ".join(f"ENTREPOT_{name.upper()}: {text}" for name, text in problems.items()))


class UnknownDistributorType(InvalidValue):
    """No installed plugin offers this distributor type."""

    code, shown_code = "PLP2002", InvalidValue.code

    def __init__(self, message: str, **data: JSON) -> None:
        """Say what there is instead; `data` for programs."""
        super().__init__("distributor_type_id", why=message)
        self.data |= data


class MissingValue(EntrepotError):
    """A required value was not given."""

    code, status = "PLP0016", 400

    def __init__(self, *names: str) -> None:
        """Name the missing properties."""
        super().__init__(f"Missing values for: {list(names)}", missing_property_names=list(names))


class UnsupportedValue(EntrepotError):
    """A property is not known here."""

    code, status = "PLP0017", 400

    def __init__(self, *names: str) -> None:
        """Name the unknown properties."""
        super().__init__(f"Unsupported properties: {list(names)}", unsupported_property_names=list(names))


class DuplicateResource(EntrepotError):
    """The id is taken."""

    code, status = "PLP0018", 409

    def __init__(self, resource_id: str) -> None:
        """Name the id that is taken."""
        super().__init__(f"Duplicate resource: {resource_id}", resource_id=resource_id)


class UnknownImporterType(EntrepotError):
    """No installed plugin offers this importer type."""

    code, status = "PLP1008", 400


class RefusedConfiguration(EntrepotError):
    """The plugin refused its configuration; every field is named."""

    code, status = "PLP1000", 400
    #: What kind of plugin refused, once that is known: "importer" or "distributor".
    plugin_kind: str | None = None

    def __init__(self, plugin: str, problems: Mapping[str, str]) -> None:
        """Name the plugin and, for each refused field, what is wrong with it."""
        text = "; ".join(f"{field}: {problem}" for field, problem in problems.items())
        message = f"{plugin} refused its configuration: {text}"
        fields: dict[str, JSON] = dict(problems)
        names: list[JSON] = list(problems)
        super().__init__(message, args=[message], validation_errors=text, problems=fields, property_names=names)

    def document(self) -> dict[str, JSON]:
        """Return the document; what a distributor refuses has the code of all that may not be done, as in Pulp 2."""
        code = OperationRefused.code if self.plugin_kind == "distributor" else self.code
        return super().document() | {"code": code}


class OperationRefused(EntrepotError):
    """What is asked for may not be done; the message says why."""

    code, status = "PLP0000", 400

    def __init__(self, message: str, **data: JSON) -> None:
        """Keep the message a second time as `args`, where clients look for it."""
        super().__init__(message, args=[message], **data)
