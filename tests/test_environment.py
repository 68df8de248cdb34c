"""The lock, pyproject.toml and environment.yml name the same environment."""

import re
import tomllib

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name


@pytest.fixture(scope="module")
def locked(root):
    text = (root / "requirements.lock").read_text(encoding="utf-8")
    pins = re.findall(r"(?m)^([A-Za-z0-9._-]+)(?:\[[^]]*\])?==([^ \\;]+)(.*)$", text)
    return {canonicalize_name(name): version for name, version, _ in pins}


@pytest.fixture(scope="module")
def project(root):
    return tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))


def test_every_requirement_is_in_the_lock_at_an_allowed_version(project, locked):
    wanted = [*project["project"]["dependencies"], *project["build-system"]["requires"]]
    for extra in project["project"]["optional-dependencies"].values():
        wanted += extra
    for text in wanted:
        requirement = Requirement(text)
        version = locked.get(canonicalize_name(requirement.name))
        assert version is not None, f"{requirement.name} is not in the lock: run make lock"
        assert requirement.specifier.contains(version, prereleases=True), f"{text} against {version}: run make lock"


def test_every_pin_of_the_lock_has_hashes_and_no_address(root):
    text = (root / "requirements.lock").read_text(encoding="utf-8")
    assert not re.search(r"(?m)://|^--(index|extra|find)", text)
    blocks = re.split(r"(?m)^(?=[A-Za-z0-9])", text)[1:]
    assert len(blocks) > 100
    for block in blocks:
        assert "--hash=sha256:" in block, block.splitlines()[0]


def test_conda_users_get_the_same_python_and_the_same_lock(root, project):
    environment = yaml.safe_load((root / "environment.yml").read_text(encoding="utf-8"))
    python = (root / ".python-version").read_text().strip()
    assert f"python={python}" in environment["dependencies"]
    assert {"pip": ["-r requirements.lock"]} in environment["dependencies"]
    assert Requirement(f"python{project['project']['requires-python']}").specifier.contains(f"{python}.0")


def test_the_default_profile_is_where_a_plain_snakemake_finds_it(root):
    profile = yaml.safe_load((root / "profiles/default/config.yaml").read_text(encoding="utf-8"))
    assert profile["rerun-incomplete"] is True
