from pathlib import Path

import pika
import pytest

from cse_lab.rabbitmq import PrivateRabbitMQ


def test_messages_survive_a_killed_broker_on_the_same_port(own_broker: PrivateRabbitMQ) -> None:
    port = own_broker.port
    _publish_durably(own_broker.url, b"kept")
    own_broker.flush()
    own_broker.kill()
    assert own_broker.pid is None
    with pytest.raises(pika.exceptions.AMQPConnectionError):
        pika.BlockingConnection(pika.URLParameters(own_broker.url))
    own_broker.start()
    assert own_broker.port == port
    assert _take(own_broker.url) == b"kept"


def test_another_program_finds_the_running_broker_by_its_directory(tmp_path: Path) -> None:
    with PrivateRabbitMQ(tmp_path / "broker") as first:
        second = PrivateRabbitMQ(tmp_path / "broker")
        assert (second.pid, second.url) == (first.pid, first.url)
        second.stop()
        assert first.pid is None


def test_nothing_listens_beyond_loopback(broker: PrivateRabbitMQ) -> None:
    assert broker.pid is not None
    assert _listening_addresses(broker.pid) <= {"0100007F", "0000000000000000FFFF00000100007F"}


def _listening_addresses(pid: int) -> set[str]:
    """Local addresses, in the kernel's hexadecimal form, of the TCP sockets on which a process listens."""
    inodes = set()
    for descriptor in Path(f"/proc/{pid}/fd").iterdir():
        try:
            target = str(descriptor.readlink())
        except FileNotFoundError:  # closed since it was listed; a listening one stays
            continue
        if target.startswith("socket:["):
            inodes.add(target[8:-1])
    addresses = set()
    for table in ("tcp", "tcp6"):
        for line in Path(f"/proc/{pid}/net/{table}").read_text().splitlines()[1:]:
            fields = line.split()
            if fields[3] == "0A" and fields[9] in inodes:
                addresses.add(fields[1].partition(":")[0])
    assert addresses, "found no listening socket at all"
    return addresses


def _publish_durably(url: str, body: bytes) -> None:
    with pika.BlockingConnection(pika.URLParameters(url)) as connection:
        channel = connection.channel()
        channel.confirm_delivery()
        channel.queue_declare("kept", durable=True)
        channel.basic_publish("", "kept", body, pika.BasicProperties(delivery_mode=2), mandatory=True)


def _take(url: str) -> bytes | None:
    with pika.BlockingConnection(pika.URLParameters(url)) as connection:
        body: bytes | None = connection.channel().basic_get("kept", auto_ack=True)[2]
        return body
