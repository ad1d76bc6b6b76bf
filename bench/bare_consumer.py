"""What there is without a gateway: a pika loop that answers every message with the same reply and acknowledges it.

python bench/bare_consumer.py AMQP_URL QUEUE REPLY_FILE
"""

import json
import sys
from pathlib import Path
from typing import Any

import pika


def main(url: str, queue: str, reply_file: str) -> None:
    """Consumes until the connection is closed."""
    reply = json.loads(Path(reply_file).read_text())
    connection = pika.BlockingConnection(pika.URLParameters(url))
    channel = connection.channel()
    channel.queue_declare(queue)
    channel.basic_qos(prefetch_count=50)

    def answer(_channel: Any, method: Any, properties: Any, body: bytes) -> None:
        request = json.loads(body)[0]
        content = json.dumps({**reply, "id": request["id"]})
        channel.basic_publish(
            properties.headers["replyToExchange"],
            properties.reply_to,
            content,
            pika.BasicProperties(correlation_id=properties.correlation_id),
        )
        channel.basic_ack(method.delivery_tag)

    channel.basic_consume(queue, answer)
    print("ready", flush=True)
    channel.start_consuming()


if __name__ == "__main__":
    main(*sys.argv[1:])
