# SPDX-License-Identifier: Apache-2.0
"""A Docker engine of the tests' own, with the images that a deployment is made of.

Its data is in .cache/compose, so that images are built once. It sets up no packet filter and no bridge of its own, and
what its networks leave is taken away: the machine is afterwards as before."""

import contextlib
import fcntl
import hashlib
import os
import re
import shutil
import signal
import subprocess
import tempfile
from pathlib import Path

from support.kafka import VERSION as KAFKA_VERSION
from support.kafka import jars
from support.process import CACHE, Child, wait_until

FOLDER = CACHE / "compose"
DATA = FOLDER / "engine"
IMAGES = Path(__file__).resolve().parent / "images"
AUTHORITIES = Path("/usr/local/share/ca-certificates")
BASE = "debian:bookworm-slim"
STAND_INS = {
    "postgres": "postgres:15",
    "redis": "redis:7.2",
    "kafka": f"apache/kafka:{KAFKA_VERSION}",
    "prometheus": "prom/prometheus:v2.53.4",
}
NO_PRIVILEGES = re.compile(r"operation not permitted|permission denied|needs to be started with root", re.IGNORECASE)


class NotAllowed(Exception):
    """No engine, or no container that a test needs, can be started here for want of privileges: the reason."""


class Engine:
    def __init__(self):
        FOLDER.mkdir(parents=True, exist_ok=True)
        self.lock = open(FOLDER / "lock", "w")
        fcntl.flock(self.lock, fcntl.LOCK_EX)
        self.folder = Path(tempfile.mkdtemp(prefix="tidemark-compose-"))
        self.host = f"unix://{self.folder}/sock"
        self.env = {**os.environ, "DOCKER_HOST": self.host, "DOCKER_CONFIG": str(self.folder), "DOCKER_BUILDKIT": "0"}
        self.links = set()
        self.log = self.folder / "dockerd.log"
        try:
            self._start()
        except BaseException:
            self.stop()
            raise

    def _start(self):
        self._unmount()  # what an engine left that was killed
        command = ["/usr/sbin/dockerd", "-H", self.host, "--data-root", DATA]
        command += ["--exec-root", self.folder / "exec", "--pidfile", self.folder / "pid", "--bridge=none"]
        command += ["--iptables=false", "--ip-forward=false", "--ip-masq=false"]
        self.child = Child("dockerd", command, self.log)
        answers = lambda: not self.child.running() or self.docker("version", check=False).returncode == 0  # noqa: E731
        wait_until(answers, 90, "the engine answers", every=0.2, children=[self.child])
        if not self.child.running():
            text = self.log.read_text(errors="replace")
            if os.geteuid() != 0 or NO_PRIVILEGES.search(text):
                raise NotAllowed(f"no Docker engine starts: {text.strip().splitlines()[-1]}")
            raise AssertionError(self.child.tail())

    def run(self, command, check=True, within=600, **more):
        """Runs a command against the engine; its output is kept, and shown where it fails."""
        more = {"stdin": subprocess.DEVNULL, "env": self.env, "text": True, **more}
        done = subprocess.run(
            list(map(str, command)), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=within, check=False, **more
        )
        if check and done.returncode != 0:
            raise AssertionError(f"{' '.join(map(str, command))}: ended with {done.returncode}\n{done.stdout[-6000:]}")
        return done

    def docker(self, *arguments, **more):
        return self.run(["/usr/bin/docker", *arguments], **more)

    def note_links(self):
        """What interfaces the networks of the engine have, so that none stays when it is gone."""
        names = self.docker("network", "ls", "-q", "--filter", "driver=bridge", "--no-trunc").stdout.split()
        self.links |= {f"br-{name[:12]}" for name in names}

    def listens_for_containers(self):
        """Addresses and ports of this machine, by the proxies that the engine starts for them."""
        found = set()
        for folder in Path("/proc").glob("[0-9]*"):
            with contextlib.suppress(OSError):  # it has ended
                words = (folder / "cmdline").read_text().split("\0")
                parent = int(re.search(r"^PPid:\s+(\d+)", (folder / "status").read_text(), re.MULTILINE)[1])
                if parent == self.child.pid and words[0].endswith("docker-proxy"):
                    given = dict(zip(words[1::2], words[2::2], strict=False))
                    found.add((given["-host-ip"], int(given["-host-port"])))
        return found

    # --- images ---

    def make_base(self):
        """Debian's smallest, under its usual name: it can't be fetched everywhere. It trusts whom this machine trusts."""
        files = sorted(AUTHORITIES.glob("*.crt"))
        trusts = f"trusts={hashlib.sha256(b''.join(file.read_bytes() for file in files)).hexdigest()}"
        if self.docker("image", "ls", "-q", "--filter", f"label={trusts}", BASE).stdout:
            return
        root = self.folder / "root"
        self.run(["debootstrap", "--variant=minbase", "bookworm", root], within=900)
        place = root / AUTHORITIES.relative_to("/")
        place.mkdir(parents=True, exist_ok=True)
        for file in files:
            shutil.copy(file, place)
        with subprocess.Popen(["tar", "-C", str(root), "-c", "."], stdout=subprocess.PIPE) as tar:
            self.docker("import", "--change", f"LABEL {trusts}", "-", BASE, stdin=tar.stdout)
        shutil.rmtree(root)

    def make_stand_ins(self, *names):
        context = self.folder / "images"
        shutil.copytree(IMAGES, context)
        shutil.copytree(jars(), context / "jars", copy_function=os.link)
        shutil.copy(topic_tool(), context / "jars")
        for target in names:
            tag = STAND_INS[target]
            self.docker("build", "-q", "--network=host", "--target", target, "-t", tag, context, within=900)
        shutil.rmtree(context)

    # --- the end ---

    def stop(self):
        child = getattr(self, "child", None)
        if child and child.running():
            with contextlib.suppress(Exception):
                self.note_links()
                containers = self.docker("ps", "-aq").stdout.split()
                if containers:
                    self.docker("rm", "-f", "-v", *containers)
                self.docker("network", "prune", "-f")
                self.docker("volume", "prune", "-f")
                self.docker("image", "prune", "-f", "--filter", "until=168h")  # what builds left a week ago
            child.process.send_signal(signal.SIGTERM)
            child.end(60)
        for link in self.links:
            subprocess.run(["ip", "link", "delete", link], stderr=subprocess.DEVNULL, check=False)
        self._unmount()
        shutil.rmtree(self.folder, ignore_errors=True)
        self.lock.close()

    def _unmount(self):
        """The engine leaves the name of its network namespace mounted, and where it was killed, its data."""
        places = [line.split()[1] for line in Path("/proc/mounts").read_text().splitlines()]
        for place in reversed(places):
            if f"{place}/".startswith((f"{self.folder}/", f"{DATA}/")):
                subprocess.run(["umount", place], check=False)


def topic_tool():
    """The jar with Kafka's own kafka-topics; the broker doesn't need it, so it isn't among its jars."""
    folder = FOLDER / "kafka-tools"
    jar = folder / f"kafka-tools-{KAFKA_VERSION}.jar"
    if not jar.exists():
        artifact = f"-Dartifact=org.apache.kafka:kafka-tools:{KAFKA_VERSION}"
        copy = "org.apache.maven.plugins:maven-dependency-plugin:copy"
        command = ["mvn", "-q", "-B", copy, artifact, f"-DoutputDirectory={folder}"]
        subprocess.run(command, cwd="/", check=True, stdin=subprocess.DEVNULL)
    return jar
