"""Why there is no connection, in words: a broker's refusal is one thing, a connection that broke another."""

import aiomqtt
import paho.mqtt.client as paho
import pytest
from brokers import free_port
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.reasoncodes import ReasonCode

from lamplighter.gateway.centre.refusals import reason


def words(error: Exception) -> str:
    return reason(ExceptionGroup("a session", [ExceptionGroup("its tasks", [error])]))


def test_a_publish_without_a_connection_is_no_wrong_password() -> None:
    client = paho.Client(paho.CallbackAPIVersion.VERSION2)
    client.connect_async("127.0.0.1", free_port())
    code = client.publish("a", "b", qos=1).rc
    assert code == 4, "the number that stands for a wrong password in a CONNACK"
    assert words(aiomqtt.MqttCodeError(code)) == "the connection was lost"


@pytest.mark.parametrize("name", ["Bad user name or password", "Not authorized"])
def test_a_brokers_refusal_says_what_to_check(name: str) -> None:
    assert "check [mqtt] username" in words(aiomqtt.MqttCodeError(ReasonCode(PacketTypes.CONNACK, name)))


@pytest.mark.parametrize("version", ["3.1.1", "5"])
async def test_a_real_broker_refuses_a_password(mosquitto_program, tmp_path, version: str) -> None:
    passwords = tmp_path / "passwords"
    passwords.write_text("")
    settings = {"protocol": aiomqtt.ProtocolVersion.V5 if version == "5" else aiomqtt.ProtocolVersion.V311}
    lines = ["allow_anonymous false", f"password_file {passwords}"]
    with mosquitto_program(lines) as (host, port), pytest.raises(aiomqtt.MqttError) as refused:
        async with aiomqtt.Client(host, port, username="gw9", password="wrong", **settings):
            pass
    assert "check [mqtt] username" in words(refused.value)


def test_any_other_code_is_told_in_the_clients_words() -> None:
    assert words(aiomqtt.MqttCodeError(15)) == "[code:15] Message queue full."
