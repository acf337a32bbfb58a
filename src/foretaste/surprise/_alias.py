"""Importing the modules of this package under another name of it gives the modules themselves, not copies."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib import import_module
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType


def install(package: str) -> None:
    """Have the modules of `package` found under whatever other names it has in `sys.modules`.

    Python would look for ``surprise.reader`` in the folder of what it finds under ``surprise``, and load a second
    `reader`, whose classes are not those of the first.
    """
    if not any(isinstance(finder, _Finder) and finder.package == package for finder in sys.meta_path):
        sys.meta_path.insert(0, _Finder(package))


class _Finder(MetaPathFinder):
    def __init__(self, package: str) -> None:
        self.package = package

    def find_spec(
        self,
        fullname: str,
        path: Sequence[str] | None,  # noqa: ARG002  where Python would look
        target: ModuleType | None = None,  # noqa: ARG002  what a reload begins with
    ) -> ModuleSpec | None:
        parent, _, name = fullname.rpartition(".")
        real = getattr(sys.modules.get(parent), "__name__", parent)
        ours = real == self.package or real.startswith(f"{self.package}.")
        return ModuleSpec(fullname, _Loader(f"{real}.{name}")) if ours and real != parent else None


class _Loader(Loader):
    def __init__(self, real: str) -> None:
        self.real = real

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        try:
            module = import_module(self.real)
        except ModuleNotFoundError as error:
            if error.name == self.real:
                message = f"No module named {spec.name!r}"
                raise ModuleNotFoundError(message, name=spec.name) from None
            raise
        self.spec = module.__spec__
        return module

    def exec_module(self, module: ModuleType) -> None:
        # It has run already; what the import system has just noted down as its origin is put right again.
        module.__spec__ = self.spec
