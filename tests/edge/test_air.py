"""The line of a post without a wire, on real sockets of this computer, against what a test needs of a broker."""

import errno
import socket
import unittest

from lamppost.boards import air, air_config, config, mqtt
from lamppost.wire.frame import go, header, pack
from lamppost.wire.messages import EVENT, STILL, encode

TOPIC = "lamplighter-post/gw1/wifi0"
PORT = 28830


class Network:
    """One that is there, or not."""

    def __init__(self):
        self.there = True
        self.open = 0

    def up(self):
        return self.there

    def opened(self, made):
        self.open += 1

    def closed(self, made):
        self.open -= 1


class Broker:
    """Takes one connection at a time; `heard` are the packets that came."""

    def __init__(self):
        global PORT
        for _ in range(200):
            PORT += 1
            self.listener = socket.socket()
            try:
                self.listener.bind(socket.getaddrinfo("127.0.0.1", PORT, 0, socket.SOCK_STREAM)[0][-1])
                break
            except OSError:
                self.listener.close()
        self.listener.listen(1)
        self.listener.setblocking(False)
        self.port = PORT
        self.peer = None
        self.heard = []
        self.answers = True

    def look(self):
        if self.peer is None:
            try:
                self.peer = self.listener.accept()[0]
            except OSError:
                return
            self.peer.setblocking(False)
            self.packets = mqtt.Packets()
        try:
            data = self.peer.recv(4096)
        except OSError as error:
            if error.args[0] != errno.EAGAIN:
                raise
            return
        if not data:
            self.drop()
            return
        for kind, _, body in self.packets.feed(data):
            self.heard.append((kind, body))
            if self.answers and kind == 1:
                self.send(b"\x20\x02\x00\x00")
            elif self.answers and kind == 8:
                self.send(b"\x90\x05\x00\x01\x00\x00\x00")

    def send(self, data):
        assert self.peer is not None
        self.peer.send(data)

    def drop(self):
        if self.peer:
            self.peer.close()
        self.peer = None

    def close(self):
        self.drop()
        self.listener.close()

    def said(self, kind):
        return [body for one, body in self.heard if one == kind]


class Rig:
    def __init__(self):
        self.broker = Broker()
        self.network = Network()
        self.address = 7
        section = {"host": "127.0.0.1", "port": self.broker.port, "user": "gw1-p07", "secret": "s3cret", "topic": TOPIC}
        section["ca"] = section["name"] = None
        self.port = air.AirPort(section, lambda: self.address, self.network, lambda n: bytes(n))
        self.now = 0
        self.got = []

    def close(self):
        self.broker.close()
        made = self.port._socket
        if made:
            made.close()

    def run(self, for_ms, step=2):
        """The time of the rig goes on without waiting; the sockets of this computer are as fast."""
        for _ in range(for_ms // step):
            self.now += step
            data = self.port.look(self.now)
            if data:
                self.got.append(data)
            self.broker.look()

    def until(self, done):
        for _ in range(5000):
            self.run(2)
            if done():
                return
        raise AssertionError("it did not happen")


def event(src, number=1):
    return pack(header(255, src, EVENT, number) + encode(EVENT, (0, 0, 0, 0)), b"12345678")


def still(src):
    return pack(header(0, src, STILL, 1) + encode(STILL, (3,)), b"12345678")


def long_frame(dst):
    return pack(header(dst, 0, 1, 0) + b"x" * 150, b"12345678")


class AirTest(unittest.TestCase):
    def setUp(self):
        self.rig = Rig()

    def tearDown(self):
        self.rig.close()

    def on(self):
        self.rig.until(lambda: self.rig.port.is_on)

    def test_it_says_who_it_is_and_asks_for_its_own_topics(self):
        """[W-1]"""
        self.on()
        broker = self.rig.broker
        hello = broker.said(1)[0]
        self.assertEqual(hello[:10], b"\x00\x04MQTT\x04\xc2\x00\x14")  # clean, name and password, no will
        self.assertIn(b"gw1-p07", hello)
        asked = broker.said(8)[0]
        for topic in ("/down/7", "/down/all", "/event/+"):
            self.assertIn((TOPIC + topic).encode() + b"\x00", asked)
        self.rig.port.write(event(7), self.rig.now)
        self.rig.port.write(still(7), self.rig.now)
        self.rig.until(lambda: len(broker.said(3)) == 2)
        where = [mqtt.published(0x30, body) for body in broker.said(3)]
        self.assertEqual(where, [(TOPIC.encode() + b"/event/7", event(7)), (TOPIC.encode() + b"/up/7", still(7))])

    def test_one_whole_frame_of_the_topics_own_sender_counts(self):
        """[W-3] [W-4]"""
        self.on()
        good = [
            ("/down/7", long_frame(7)),
            ("/down/all", go(0, 1, 0, b"")),
            ("/event/9", event(9)),
            ("/down/all", event(201)),
        ]
        bad = [
            ("/event/8", event(9)), ("/event/9", still(9)), ("/event/7/9", event(9)), ("/down/all", event(9)),
            ("/down/7", b""), ("/down/7", b"\0" * 9), ("/down/7", long_frame(7) * 2), ("/down/7", long_frame(7)[:-1]),
            ("/down/7", b"\0" + b"x" * 300 + b"\0"), ("/up/7", long_frame(7)), ("", long_frame(7)),
        ]  # fmt: skip
        for where, data in bad + good:
            self.rig.broker.send(mqtt.publish(TOPIC + where, data))
        self.rig.broker.send(b"\x31" + mqtt.publish(TOPIC + "/down/7", long_frame(7))[1:])  # retained: old
        self.rig.broker.send(mqtt.publish(TOPIC + "/event/7", event(7)))  # its own, come back: no fault
        self.rig.broker.send(mqtt.publish(TOPIC + "/down/7", b"y" * 5000))  # longer than it keeps
        self.rig.broker.send(mqtt.publish(TOPIC + "/down/7", still(1)))
        self.rig.until(lambda: len(self.rig.got) == len(good) + 1)
        self.assertEqual(self.rig.got[:-1], [data for _, data in good])
        self.rig.broker.drop()
        self.rig.run(100)
        self.assertEqual(self.rig.port.refused, len(bad) + 2)

    def test_a_broker_that_is_gone_is_tried_again_ever_later_and_nothing_is_kept_for_it(self):
        """[W-7]"""
        self.on()
        self.rig.broker.close()
        self.rig.run(2000)
        self.assertFalse(self.rig.port.is_on)
        self.assertEqual(self.rig.network.open, 0)
        before = self.rig.port.dropped
        for _ in range(50):
            self.rig.port.write(event(7), self.rig.now)
        self.assertEqual(self.rig.port.dropped, before + 50)
        self.rig.run(400000, 50)
        self.assertEqual(self.rig.port._pause_ms, air.AGAIN_MAX_MS)
        self.assertEqual(len(self.rig.port._out), 0)

    def test_it_comes_back_and_says_what_is_new(self):
        """[W-7]"""
        self.on()
        self.rig.broker.drop()
        self.rig.until(lambda: not self.rig.port.is_on)
        self.rig.broker.heard = []
        self.on()
        self.rig.port.write(event(7, 5), self.rig.now)
        self.rig.until(lambda: self.rig.broker.said(3))
        self.assertEqual(len(self.rig.broker.said(3)), 1)
        self.assertEqual(self.rig.port.connections, 2)

    def test_a_broker_that_says_nothing_is_given_up(self):
        """[W-7]"""
        self.rig.broker.answers = False
        self.rig.until(lambda: self.rig.broker.said(1))
        self.rig.run(air.CONNECT_MS + 100, 20)
        self.assertFalse(self.rig.port.busy)
        self.rig.broker.answers = True
        self.rig.broker.drop()
        self.on()
        self.rig.broker.answers = False  # a broker that hears and never speaks, not even to a ping
        self.rig.run(19000, 50)
        self.assertTrue(self.rig.port.is_on)
        self.assertTrue(len(self.rig.broker.said(12)) >= 2)
        self.rig.run(2000, 50)
        self.assertFalse(self.rig.port.is_on)

    def test_what_is_refused_and_what_is_no_mqtt_ends_the_connection(self):
        """[W-7]"""
        for answer in (
            b"\x20\x02\x00\x05",
            b"\x20\x02\x00\x00\x90\x05\x00\x01\x80\x00\x00",
            b"\xff\xff\xff\xff\xff\xff",
            b"\x50\x00",
        ):
            self.rig.close()
            self.rig = Rig()
            self.rig.broker.answers = False
            self.rig.until(lambda: self.rig.broker.said(1))
            self.rig.broker.send(answer)
            self.rig.until(lambda: self.rig.port._again_ms > self.rig.now)
            self.assertFalse(self.rig.port.is_on)

    def test_without_address_or_network_nobody_is_bothered(self):
        """[W-7]"""
        self.rig.address = 0
        self.rig.run(1000)
        self.assertIsNone(self.rig.broker.peer)
        self.rig.address, self.rig.network.there = 7, False
        self.rig.run(1000)
        self.assertIsNone(self.rig.broker.peer)
        self.rig.network.there = True
        self.on()
        self.rig.address = 8
        self.rig.until(lambda: not self.rig.port.is_on)
        self.on()
        self.assertIn(TOPIC.encode() + b"/down/8", self.rig.broker.said(8)[-1])

    def test_a_network_that_stands_still_holds_a_bounded_rest(self):
        """[W-7]"""
        self.on()
        for _ in range(40000):
            self.rig.port.write(long_frame(0), self.rig.now)
            if self.rig.port.dropped:
                break
        self.assertTrue(self.rig.port.dropped > 0)
        self.assertTrue(len(self.rig.port._out) <= air.OUT_MAX + 300)


class PacketsTest(unittest.TestCase):
    def test_packets_are_found_however_the_bytes_are_cut(self):
        packets = [mqtt.publish("a/b", bytes(size)) for size in (0, 1, 100, 127, 128, 300)] + [mqtt.PING]
        stream = b"".join(packets) + mqtt.publish("a", bytes(1000)) + mqtt.PING
        for step in (1, 2, 3, 7, 500, 5000):
            cutter, found = mqtt.Packets(), []
            for at in range(0, len(stream), step):
                found += cutter.feed(stream[at : at + step])
                self.assertTrue(len(cutter._held) <= mqtt.PACKET_MAX + 5)
            self.assertEqual([kind for kind, _, _ in found], [3] * 6 + [12, 12])
            self.assertEqual([len(body) for _, _, body in found[:6]], [5, 6, 105, 132, 133, 305])
            self.assertEqual(cutter.refused, 1)

    def test_a_length_without_an_end_is_no_mqtt(self):
        self.assertRaises(mqtt.MqttError, mqtt.Packets().feed, b"\x30\xff\xff\xff\xff\x01")


class ConfigTest(unittest.TestCase):
    def test_the_section_has_no_default_for_a_secret_and_says_none(self):
        whole = {"host": "10.0.0.1", "user": "u", "secret": "s3cret", "topic": TOPIC}
        self.assertEqual(air_config.take({"wifi": whole}, True)["port"], 8883)
        for key in ("host", "user", "secret", "topic"):
            some = {name: value for name, value in whole.items() if name != key}
            try:
                air_config.take({"wifi": some}, True)
                self.fail("accepted without " + key)
            except config.ConfigError as error:
                self.assertEqual(str(error), "wifi.%s is missing" % key)
                self.assertNotIn("s3cret", str(error))


if __name__ == "__main__":
    unittest.main()
