# SPDX-License-Identifier: Apache-2.0
"""A real Kafka for the tests (one process, KRaft, a free loopback port), and its topics, writers and readers."""

import subprocess
import uuid
from pathlib import Path

from confluent_kafka import Consumer, IsolationLevel, Producer, TopicPartition
from confluent_kafka.admin import (
    AclBinding,
    AclBindingFilter,
    AclOperation,
    AclPermissionType,
    AdminClient,
    AlterConfigOpType,
    ConfigEntry,
    ConfigResource,
    NewPartitions,
    NewTopic,
    OffsetSpec,
    ResourcePatternType,
    ResourceType,
)

from . import maven
from .oracle import Message
from .process import Child, free_port, wait_until

VERSION = "3.9.1"
PROPERTIES = """process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:{controller}
listeners=PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller},PROXIED://127.0.0.1:{proxied}
advertised.listeners=PLAINTEXT://127.0.0.1:{port},PROXIED://127.0.0.1:{advertised}
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT,PROXIED:PLAINTEXT
controller.listener.names=CONTROLLER
inter.broker.listener.name=PLAINTEXT
log.dirs={folder}/data
offsets.topic.replication.factor=1
offsets.topic.num.partitions=4
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
transaction.state.log.num.partitions=4
group.initial.rebalance.delay.ms=0
auto.create.topics.enable=false
log.retention.ms=-1
log.cleaner.enable=false
"""


AUTHORIZER = """authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer
allow.everyone.if.no.acl.found=true
"""


def jars():
    """The folder with the broker's jars."""
    return maven.jars(f"kafka-{VERSION}", [f"org.apache.kafka:kafka_2.13:{VERSION}", "org.slf4j:slf4j-simple:1.7.36"])


HEAP = "512m"  # of a broker of tests; benchmarks give theirs more


class Kafka:
    """`proxy`: one that leads to the broker's second port, where it calls itself by the proxy's. `more`: lines for its
    properties."""

    def __init__(self, folder, heap=HEAP, proxy=None, more=""):
        self.folder, self.heap = Path(folder), heap
        self.folder.mkdir(parents=True)
        self.port, proxied = free_port(), proxy.target_port if proxy else free_port()
        self.brokers = f"127.0.0.1:{self.port}"
        self.properties = self.folder / "server.properties"
        self.properties.write_text(
            PROPERTIES.format(
                port=self.port,
                controller=free_port(),
                proxied=proxied,
                advertised=proxy.port if proxy else proxied,
                folder=self.folder,
            )
            + more
        )
        cluster = uuid.uuid4().hex[:22]
        java = self._java("kafka.tools.StorageTool", "format", "-t", cluster, "-c", self.properties)
        done = subprocess.run(java, capture_output=True, text=True)
        if done.returncode != 0:
            raise RuntimeError(f"kafka: format failed\n{done.stdout}{done.stderr}")
        self.admin = AdminClient({"bootstrap.servers": self.brokers, "log_level": 2})
        self.start()

    def _java(self, *arguments):
        compiler = [] if self.heap != HEAP else ["-XX:TieredStopAtLevel=1"]  # it pays only for one that works for long
        options = [*compiler, "-XX:+UseSerialGC", "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn", "-Djava.awt.headless=true"]
        return ["java", f"-Xmx{self.heap}", *options, "-cp", f"{jars()}/*", *map(str, arguments)]

    def start(self):
        self.child = Child("kafka", self._java("kafka.Kafka", self.properties), self.folder / "log")
        probe = lambda: self.admin.list_topics(timeout=1).brokers  # noqa: E731
        wait_until(probe, 120, "Kafka answers", every=0.2, children=[self.child])

    def kill(self):
        self.child.kill()

    def stop(self):
        if self.child.running():
            self.child.stop(within=60)

    # --- topics ---

    def create(self, topic, partitions=1, **config):
        config = {name.replace("_", "."): str(value) for name, value in config.items()}
        self.admin.create_topics([NewTopic(topic, partitions, 1, config=config)])[topic].result(60)
        ready = (
            lambda: len(self.admin.list_topics(topic, timeout=5).topics[topic].partitions) == partitions
        )  # noqa: E731
        wait_until(ready, 60, f"the topic {topic} exists")

    def set_policy(self, topic, policy):
        """The topic's cleanup.policy from now on."""
        self.configure(topic, "cleanup.policy", policy)

    def configure(self, topic, name, value):
        change = ConfigEntry(name, str(value), incremental_operation=AlterConfigOpType.SET)
        resource = ConfigResource(ConfigResource.Type.TOPIC, topic, incremental_configs=[change])
        self.admin.incremental_alter_configs([resource])[resource].result(60)

    def allow_only(self, topic, *operations):
        """Everybody may do this with the topic, which needn't be there, and nothing else; without operations anything.
        Needs a broker with an authorizer."""
        self._allow_only((ResourceType.TOPIC, topic), operations)

    def forbid_creating(self, forbidden=True):
        """Nobody may make topics, but for who may make one by its name. Needs a broker with an authorizer."""
        others = ("ALTER", "ALTER_CONFIGS", "CLUSTER_ACTION", "DESCRIBE", "DESCRIBE_CONFIGS", "IDEMPOTENT_WRITE")
        self._allow_only((ResourceType.BROKER, "kafka-cluster"), others if forbidden else ())

    def _allow_only(self, resource, operations):
        kind = (*resource, ResourcePatternType.LITERAL, "User:*", "*")
        added = [AclBinding(*kind, AclOperation[one], AclPermissionType.ALLOW) for one in operations]
        there = self.admin.describe_acls(AclBindingFilter(*kind, AclOperation.ANY, AclPermissionType.ANY)).result(60)
        gone = [one for one in there if one not in added]
        changes = self.admin.create_acls(added) if added else {}
        filters = [AclBindingFilter(*kind, one.operation, one.permission_type) for one in gone]
        for done in (*changes.values(), *(self.admin.delete_acls(filters).values() if filters else ())):
            done.result(60)

    def delete(self, topic):
        self.admin.delete_topics([topic])[topic].result(60)
        wait_until(lambda: topic not in self.topics(), 60, f"the topic {topic} is gone")

    def grow(self, topic, partitions):
        self.admin.create_partitions([NewPartitions(topic, partitions)])[topic].result(60)
        grown = (
            lambda: len(self.admin.list_topics(topic, timeout=5).topics[topic].partitions) == partitions
        )  # noqa: E731
        wait_until(grown, 60, f"the topic {topic} has {partitions} partitions")

    def segment(self, topic, partition):
        """The file with the partition's messages, as long as there is one."""
        return self.folder / "data" / f"{topic}-{partition}" / f"{0:020}.log"

    def topics(self):
        return set(self.admin.list_topics(timeout=10).topics)

    def reader(self):
        return Reader(self.brokers)


class Writer:
    """A producer that keeps nothing back: flush() returns when all is delivered, and a failed delivery is an error."""

    def __init__(self, brokers, transactional_id=None, **properties):
        config = {"bootstrap.servers": brokers, "linger.ms": 5, "enable.idempotence": True, "log_level": 2}
        config["partitioner"] = "murmur2_random"
        config.update({name.replace("_", "."): value for name, value in properties.items()})
        if transactional_id:
            config["transactional.id"] = transactional_id
            config["transaction.timeout.ms"] = 600_000  # a test may keep one open while programs come and go
        self.producer = Producer(config)
        self.delivered, self.failures = [], []  # (partition, offset) in the order of acknowledgement

    def _done(self, error, message):
        if error:
            self.failures.append(error)
        else:
            self.delivered.append((message.partition(), message.offset()))

    def send(self, topic, key, payload, partition=-1, timestamp_ms=0, headers=None):
        while True:
            try:
                self.producer.produce(
                    topic, payload, key, partition, self._done, timestamp=timestamp_ms, headers=headers or []
                )
                break
            except BufferError:
                self.producer.poll(0.1)
        self.producer.poll(0)

    def flush(self):
        if self.producer.flush(600) or self.failures:
            raise AssertionError(f"not all messages were delivered: {self.failures[:3]}")


class TransactionalWriter(Writer):
    """Sends in transactions, one after the other. Kafka writes the marker that ends one some time after it has said
    that the transaction is committed: commit() and abort() return when readers see it."""

    def __init__(self, brokers, transactional_id):
        super().__init__(brokers, transactional_id)
        self.admin = AdminClient({"bootstrap.servers": brokers, "log_level": 2})
        self.touched = set()
        self.producer.init_transactions(120)
        self.producer.begin_transaction()

    def _done(self, error, message):
        super()._done(error, message)
        self.touched.add((message.topic(), message.partition()))

    def commit(self):
        self.producer.commit_transaction(120)
        self._begin_next()

    def abort(self):
        self.producer.abort_transaction(120)
        self._begin_next()

    def _begin_next(self):
        wait_until(self._has_ended, 60, "the markers of a transaction are written")
        self.producer.begin_transaction()

    def _has_ended(self):
        committed, all_there = map(self._ends, (IsolationLevel.READ_COMMITTED, IsolationLevel.READ_UNCOMMITTED))
        return committed == all_there

    def _ends(self, level):
        latest = {TopicPartition(*touched): OffsetSpec.latest() for touched in self.touched}
        offsets = self.admin.list_offsets(latest, isolation_level=level, request_timeout=30)
        return {(asked.topic, asked.partition): found.result().offset for asked, found in offsets.items()}


class Reader:
    """Reads whole topics as read_committed shows them, without a group."""

    def __init__(self, brokers):
        self.consumer = Consumer(
            {
                "bootstrap.servers": brokers,
                "group.id": "tests-reader",
                "enable.auto.commit": False,
                "isolation.level": "read_committed",
                "auto.offset.reset": "error",
                "receive.message.max.bytes": 1_000_000_000,
                "enable.partition.eof": True,
                "fetch.wait.max.ms": 10,  # the broker says so soon that there is no more
                "log_level": 2,
            }
        )

    def ends(self, topic):
        """{partition: (first offset, end)}. A broker that was started just now may not lead its partitions yet."""
        return wait_until(lambda: self._ends(topic), 60, f"the ends of {topic}")

    def _ends(self, topic):
        partitions = self.consumer.list_topics(topic, timeout=10).topics[topic].partitions
        return {p: self.consumer.get_watermark_offsets(TopicPartition(topic, p), timeout=10) for p in partitions}

    def read(self, topic, since=None):
        """All messages of a topic as (partition, kafka message); from {partition: offset} on where that is given."""
        return list(self.each(topic, since))

    def each(self, topic, since=None):
        """The same one after the other, without keeping them."""
        ends = self.ends(topic)
        start = {p: max(low, (since or {}).get(p, low)) for p, (low, _) in ends.items()}
        left = {p for p, (_, high) in ends.items() if start[p] < high}
        self.consumer.assign([TopicPartition(topic, p, start[p]) for p in left])
        while left:
            for message in self.consumer.consume(10_000, 0.05):  # it waits for all of them, or for so long
                partition = message.partition()
                if message.error():
                    if message.error().name() != "_PARTITION_EOF":
                        raise AssertionError(message.error())
                    left.discard(partition)
                else:
                    yield partition, message
                    if message.offset() + 1 >= ends[partition][1]:
                        left.discard(partition)
        self.consumer.unassign()

    def at(self, topic, partition, offset):
        """The message that lies there."""
        self.consumer.assign([TopicPartition(topic, partition, offset)])
        [message] = self.consumer.consume(1, 60.0)
        self.consumer.unassign()
        if message.error() or message.offset() != offset:
            raise AssertionError(f"{topic}/{partition} has no message at {offset}")
        return message

    def into(self, log, topic):
        """Appends to an oracle's log what the topic has beyond it."""
        for partition, message in self.read(topic, since=log.ends()):
            log.append(partition, Message(message.offset(), message.timestamp()[1], message.value()))
        return log

    def close(self):
        self.consumer.close()
