"""All planted bugs."""

from tests.mutants.delivery import DELIVERY
from tests.mutants.ending import ENDING
from tests.mutants.storage import STORAGE
from tests.mutants.workspace import WORKSPACE

EVERY = (*DELIVERY, *WORKSPACE, *ENDING, *STORAGE)
