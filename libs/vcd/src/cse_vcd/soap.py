"""pyVmomi without the types it declares, which do not hold for calls and constructors."""

from typing import Any

from pyVmomi import SoapAdapter
from pyVmomi import vim as _vim
from pyVmomi import vmodl as _vmodl

vim: Any = _vim
vmodl: Any = _vmodl
SoapStubAdapter: Any = SoapAdapter.SoapStubAdapter
