# SPDX-License-Identifier: Apache-2.0
"""A file system that is full soon, for the programs of one script; nobody else sees it, and with the script it is gone."""

import re
import subprocess

from .privilege import MissingPrivilege

NOT_ALLOWED = re.compile(r"permission denied|Operation not permitted|must be superuser", re.IGNORECASE)
NOT_MOUNTED = 99


def on_small_disk(place, size, script, **more):
    """What `sh` says of the script where `place`, a folder, is a file system of this size (of tmpfs), with what the
    folder has."""
    saved = f"{place}.saved"
    mounted = f"cp -a '{place}' '{saved}' && mount -t tmpfs -o size={size},mode=755 none '{place}'"
    whole = f"{mounted} || exit {NOT_MOUNTED}; cp -a '{saved}/.' '{place}'\n{script}"
    ran = subprocess.run(["unshare", "-m", "sh", "-c", whole], capture_output=True, text=True, **more)
    if NOT_ALLOWED.search(ran.stderr):
        raise MissingPrivilege(f"a small file system can't be mounted: {ran.stderr}")
    if ran.returncode:
        raise AssertionError(f"the script ended with {ran.returncode}: {ran.stdout}{ran.stderr}")
    return ran
