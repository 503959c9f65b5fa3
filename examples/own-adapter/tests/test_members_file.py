"""The JSON file keeps the contract of user repositories."""

from pathlib import Path

import pytest
from club_adapters.members_file import MembersFile
from moothall.contracts import UserRepositoryContract, UserTransactions


class TestMembersFile(UserRepositoryContract):
    @pytest.fixture
    def transactions(self, tmp_path: Path) -> UserTransactions:
        return MembersFile(tmp_path / "members.json")
