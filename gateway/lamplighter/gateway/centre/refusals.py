"""Why there is no connection to the broker, in one line that says what to do."""

from __future__ import annotations

import ssl

from paho.mqtt.reasoncodes import ReasonCode

# What a broker says, in MQTT 5's numbers; paho puts 3.1.1's into them. A bare number is paho's own and means something
# else: there 4 is "not connected".
REFUSALS = {
    134: "it does not accept this user name and password; check [mqtt] username and password_file",
    135: "it does not let this client in; check [mqtt] username, password_file or tls_cert",
}
LOST = (4, 7)  # paho's: not connected, connection lost
TEXT_MAX = 200


def reason(errors: BaseExceptionGroup) -> str:
    """The words for the first error of a group."""
    error: BaseException = errors
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    code = getattr(error, "rc", None)
    if isinstance(code, ReasonCode) and code.value in REFUSALS:
        return REFUSALS[code.value]
    if isinstance(code, int) and code in LOST:
        return "the connection was lost"
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"its certificate is not good: {error.verify_message}; check [mqtt] host and tls_ca, and the clock"
    if isinstance(error, ssl.SSLError):
        return f"TLS: {error.reason or error}; check [mqtt] tls_ca, tls_cert and tls_key"
    text = str(error).strip() or type(error).__name__
    if "refused" in text:
        return "nothing listens there; is the broker running?"
    return text.splitlines()[0][:TEXT_MAX]
