# SPDX-License-Identifier: Apache-2.0
"""Java programs that tests run or measure beside ours, fetched from Maven Central once."""

import fcntl
import hashlib
import shutil
import subprocess
from pathlib import Path

from .process import CACHE

POM = """<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>tidemark</groupId><artifactId>of-the-tests</artifactId><version>1</version><packaging>pom</packaging>
  <dependencies>
{}
  </dependencies>
</project>
"""


def jars(name, artifacts, checksums=None):
    """The folder .cache/NAME with the jars of artifacts ("group:artifact:version") and of all that they need. `checksums`:
    a file as sha256sum writes it, which names every one of them."""
    CACHE.mkdir(exist_ok=True)
    target = CACHE / name
    with open(CACHE / f"{name}.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not target.exists():
            build = CACHE / f"{name}-pom"
            shutil.rmtree(build, ignore_errors=True)
            build.mkdir()
            (build / "pom.xml").write_text(POM.format("\n".join(map(_dependency, artifacts))))
            command = ["mvn", "-q", "-B", "dependency:copy-dependencies", f"-DoutputDirectory={build}/jars"]
            subprocess.run(command, cwd=build, check=True, stdin=subprocess.DEVNULL)
            if checksums:
                _check(build / "jars", checksums)
            (build / "jars").rename(target)
    return target


def _dependency(artifact):
    group, name, version = artifact.split(":")
    inner = f"<groupId>{group}</groupId><artifactId>{name}</artifactId><version>{version}</version>"
    return f"    <dependency>{inner}</dependency>"


def _check(folder, checksums):
    expected = {name: digest for digest, name in map(str.split, Path(checksums).read_text().splitlines())}
    found = {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.iterdir()}
    different = sorted(name for name in expected.keys() | found.keys() if expected.get(name) != found.get(name))
    if different:
        raise RuntimeError(f"not what {checksums} says: {', '.join(different)}")
