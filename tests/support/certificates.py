# SPDX-License-Identifier: Apache-2.0
"""Certificates that servers of tests show, and clients that trust these alone."""

import os
import ssl
import subprocess


def write_pair(folder):
    """A new certificate of this machine's loopback address and its key, each put in the place of the one before as a
    whole; what http.tls says of them."""
    files = {name: str(folder / f"{name}.pem") for name in ("certificate", "key")}
    new = ["-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "30", "-subj", "/CN=localhost"]
    names = ["-addext", "subjectAltName=IP:127.0.0.1,DNS:localhost"]
    out = ["-out", f"{files['certificate']}.new", "-keyout", f"{files['key']}.new"]
    subprocess.run(["openssl", "req", *new, *names, *out], check=True, capture_output=True)
    for path in files.values():
        os.rename(f"{path}.new", path)
    return files


def trusting(files):
    """A context for clients that trust this certificate and no other."""
    return ssl.create_default_context(cafile=files["certificate"])
