"""mosquitto's configuration and access list for a site.

The certificate's name is the user (%u in a `pattern` line), so one list serves every gateway there will be: each sees
`<root>/<site>/<its own name>/...` and nothing else. A client that publishes elsewhere is disconnected and its message
dropped; what a client may not read never reaches it.
"""

from __future__ import annotations

CONF = """\
# Made by 'lamplighter provision'. Run:  mosquitto -c {folder}/mosquitto.conf
# After a renewal:  kill -HUP  (systemctl reload mosquitto) takes the new certificate; nobody is disconnected.
listener {port}
cafile {folder}/ca.pem
certfile {folder}/server.pem
keyfile {folder}/server.key
require_certificate true
use_identity_as_username true
allow_anonymous false
acl_file {folder}/acl

{tuning}"""

# The same lines stand in deploy/mosquitto/tuning.conf, for a broker that is set up by hand; a test compares them.
TUNING = """\
# --- nothing is dropped
# The defaults acknowledge 20,000 QoS 1 messages and deliver 7,600 of them to a slow subscriber.
max_queued_messages 0
max_queued_bytes 0
max_inflight_messages 1000
# A plan of 1 MiB in its envelope, and room
message_size_limit 2097152
set_tcp_nodelay true

# --- what was acknowledged a second ago outlives kill -9
# mosquitto writes its whole store anew each time. Saving after every change (autosave_on_changes) was measured at
# 22 ms a message with 3,000 queued, and grows with the queue; so the last second is left to the centre, which sees the
# gap and asks the gateway again. Each save holds everybody up: some 20 ms with the retained states of 12,500 posts,
# 0.9 s with 450,000. From 5,000 posts on write 1800 here: what is forgotten then is asked for, and said, again.
persistence true
persistence_location {state}/
autosave_interval 1
# A consumer that is away so long has been taken down; the gateways' own clients keep no session
persistent_client_expiration 14d
"""

WRITES = (
    "status", "post/+/state", "post/+/presence", "events", "telemetry", "flow", "energy", "reported/+", "response",
    "response/#",
)  # fmt: skip
READS = ("desired/+", "request", "post/+/set")


def conf(folder: str, port: int, state: str) -> str:
    """mosquitto.conf for files in `folder` and a store in `state`, both as the broker's computer names them."""
    return CONF.format(folder=folder.rstrip("/"), port=port, tuning=TUNING.format(state=state.rstrip("/")))


def acl(root: str, site: str) -> str:
    """The access list of a site."""
    base = f"{root}/{site}"
    lines = ["# Gateways: %u is the name in the client's certificate."]
    lines += [f"pattern write {base}/%u/{topic}" for topic in WRITES]
    # what posts near another cabinet see: written by the one, read by the other
    lines += [f"pattern write {base}/%u/near/+", f"pattern read {base}/+/near/%u"]
    lines += ["pattern write homeassistant/device/%u/+/config"]
    lines += [f"pattern read {base}/%u/{topic}" for topic in READS]
    lines += ["", "# The office reads everything of the site, and writes what is desired and asked.", "user office"]
    lines += [f"topic read {base}/#", f"topic write {base}/+/desired/+", f"topic write {base}/+/request"]
    lines += ["", "# Home Assistant reads states and asks for levels.", "user homeassistant"]
    lines += ["topic readwrite homeassistant/#", f"topic read {base}/+/status", f"topic read {base}/+/post/+/state"]
    lines += [f"topic read {base}/+/post/+/presence", f"topic read {base}/+/energy"]
    lines += [f"topic write {base}/+/post/+/set"]
    return "\n".join(lines) + "\n"
