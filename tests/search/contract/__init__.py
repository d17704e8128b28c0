"""What every search engine must do. An implementation inherits this, with a fixture `backend` that is empty."""

from tests.search.contract.answering import AnsweringContract
from tests.search.contract.finding import FindingContract
from tests.search.contract.keeping import KeepingContract


class SearchBackendContract(FindingContract, AnsweringContract, KeepingContract):
    pass
