"""Pip requirements with versions: of what is imported, and of what the reward declares."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from functools import cached_property
from importlib import metadata
from importlib.metadata import Distribution, PackageNotFoundError

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

from reward_kit.errors import PackagingError
from reward_kit.packaging.modules import Module


class InstalledDistributions:
    """The distributions of this environment, by the modules they bring."""

    @cached_property
    def _by_module(self) -> Mapping[str, list[str]]:
        return metadata.packages_distributions()

    def of(self, module: Module) -> Distribution:
        """The distribution that a module's file belongs to.

        Raises:
            PackagingError: where it belongs to none: it was copied into site-packages by hand.
        """
        names = sorted(set(self._by_module.get(module.name.partition(".")[0], ())))
        candidates = [metadata.distribution(name) for name in names]
        if len(candidates) > 1:
            candidates = [found for found in candidates if _owns(found, module)]
        if not candidates:
            raise PackagingError(
                f"{module.name} ({module.path}) belongs to no installed distribution, so that no requirement can name "
                "it. Install it with pip, or move it into your project"
            )
        return candidates[0]


def _owns(distribution: Distribution, module: Module) -> bool:
    files = distribution.files or ()
    return any(module.path == distribution.locate_file(file) for file in files)


def requirements_of(imported: Iterable[Distribution], declared: Iterable[str]) -> tuple[str, ...]:
    """The requirements of a bundle, one a distribution, sorted.

    Installed distributions are pinned to the version that is installed here, since it is the one that was tested. A
    declared requirement that is not installed stays as it was declared.

    Raises:
        PackagingError: where a declared one cannot be read, or excludes the version installed here.
    """
    pinned = {canonicalize_name(found.metadata["Name"]): _pin(found) for found in imported}
    for text in declared:
        requirement = parse_requirement(text)
        if requirement.marker is None or requirement.marker.evaluate():
            pinned[canonicalize_name(requirement.name)] = _pinned(requirement)
    return tuple(pinned[name] for name in sorted(pinned))


def parse_requirement(text: str) -> Requirement:
    """A pip requirement.

    Raises:
        PackagingError: where it is none.
    """
    try:
        return Requirement(text)
    except InvalidRequirement as error:
        raise PackagingError(f"{text!r} is not a pip requirement ({str(error).splitlines()[0]})") from None


def installed(requirement: Requirement, needed_by: str = "") -> Distribution:
    """The installed distribution that fulfils a requirement.

    Raises:
        PackagingError: where it is not installed, in another version, or from a checkout.
    """
    named = f"requirement {requirement}{f' of {needed_by}' if needed_by else ''}"
    try:
        found = metadata.distribution(requirement.name)
    except PackageNotFoundError:
        raise PackagingError(f"{named} is not installed here. Install it: pip install {str(requirement)!r}") from None
    if not requirement.specifier.contains(found.version, prereleases=True):
        raise PackagingError(f"{named} is not met: {found.metadata['Name']} {found.version} is installed here")
    if is_editable(found):
        raise PackagingError(
            f"{named} is an editable install: elsewhere, pip does not find it. Take it out of the declared "
            "requirements: the modules of it that the reward imports are packaged by themselves"
        )
    return found


def is_editable(distribution: Distribution) -> bool:
    """True where a distribution is a link to a checkout (PEP 660, direct_url.json)."""
    origin = distribution.read_text("direct_url.json")
    return bool(origin and json.loads(origin).get("dir_info", {}).get("editable"))


def _pinned(requirement: Requirement) -> str:
    if requirement.url:
        return str(requirement)
    try:
        metadata.distribution(requirement.name)
    except PackageNotFoundError:
        return str(requirement)
    return _pin(installed(requirement), requirement.extras)


def _pin(distribution: Distribution, extras: Iterable[str] = ()) -> str:
    """As name==version; without a local label like +cpu, which package indexes do not have."""
    shown = f"[{','.join(sorted(extras))}]" if extras else ""
    return f"{distribution.metadata['Name']}{shown}=={distribution.version.partition('+')[0]}"
