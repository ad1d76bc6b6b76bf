"""Certificates of a simulated cluster."""

import hashlib
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID

_LIFETIME = timedelta(days=3650)
# Nothing is protected by these keys, and making a short one takes a tenth of the time. RSA, since scripts compute the
# hash of the authority's key with `openssl rsa`.
_KEY_BITS = 1024


@dataclass(frozen=True)
class ClusterPki:
    """A cluster's authority and its administrator's certificate, as PEM text."""

    ca_certificate: str
    ca_key: str
    ca_hash: str
    """`sha256:` and the digest of the authority's public key, as `kubeadm join` wants it."""
    admin_certificate: str
    admin_key: str

    @classmethod
    def create(cls) -> "ClusterPki":
        """Make a new authority."""
        key = rsa.generate_private_key(public_exponent=65537, key_size=_KEY_BITS)  # see above
        authority = _certificate(key, "kubernetes", None, authority=True)
        admin = _certificate(key, "kubernetes-admin", "system:masters", authority=False)
        public = key.public_key().public_bytes(
            serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
        )
        private = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption()
        ).decode()
        return cls(authority, private, f"sha256:{hashlib.sha256(public).hexdigest()}", admin, private)


def new_token() -> str:
    """A bootstrap token in kubeadm's form: six characters, a dot, sixteen characters."""
    alphabet = "abcdefghijklmnopqrstuvwxyz0123456789"
    text = "".join(secrets.choice(alphabet) for _ in range(22))
    return f"{text[:6]}.{text[6:]}"


def _certificate(key: rsa.RSAPrivateKey, name: str, organization: str | None, *, authority: bool) -> str:
    attributes = [x509.NameAttribute(NameOID.ORGANIZATION_NAME, organization)] if organization else []
    subject = x509.Name([*attributes, x509.NameAttribute(NameOID.COMMON_NAME, name)])
    issuer = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "kubernetes")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(minutes=5))
        .not_valid_after(now + _LIFETIME)
        .add_extension(x509.BasicConstraints(ca=authority, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    return certificate.public_bytes(serialization.Encoding.PEM).decode()
