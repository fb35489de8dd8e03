"""Every bound of a post, in one place, each with its reason. All integers; units are in the names."""

try:
    from micropython import const  # pyright: ignore - on CPython there is only a stub of it
except ImportError:

    def const(x):  # pyright: ignore[reportAssignmentType, reportRedeclaration] - CPython has none
        return x


# --- time
TICKS_MASK = const(0x3FFFFFFF)  # MicroPython's ticks_ms wraps at 2**30 (12.4 days); every board is brought to that
OVERRIDE_MAX_S = const(7 * 86400)  # a forgotten override must not outlive a week

# --- the wire
FRAME_PAYLOAD_MAX = const(192)  # 117 ms at 19,200 baud: the longest a frame may delay a detection
FRAME_OVERHEAD = const(17)  # dst, src, type, counter 4, seal 8, CRC 2
FRAME_MAX = const(209)  # below 254, so that COBS never adds more than one byte
POST_ADDRESS_MAX = const(192)  # the gateway says events of posts elsewhere at an address above
ADDRESS_MAX = const(250)  # 251..254 are kept for discovery, 255 is everybody, 0 the gateway
CBOR_DEPTH_MAX = const(6)  # a compiled plan is 5 deep; the recursion limit of an RP2040 was 34 frames
CBOR_ITEMS_MAX = const(4096)  # more items than bytes a plan may have cannot be honest
SERVED_MS = const(30000)  # a post that no session has spoken to for so long shows itself to a search
GRACE_MS = const(60000)  # a post that hears six TIMEs in a row not is cut off: no other waits longer for it
COUNTER_MAX = const(0xFFFFFFFF)  # the counter field of a frame has four bytes
BLOCK_BYTES = const(128)  # 75 ms at 19,200 baud: presence still gets through between two blocks
SEGMENT_BLOCKS = const(32)  # of firmware: 4 KB in RAM until they are whole, and a bit of a 32-bit mask for each
BLOB_MAX = const(4096)  # a compiled plan; it lies twice in flash and once in RAM

# --- the plan
PLAN_BYTES_MAX = const(4096)  # one blob
PROGRAMS_MAX = const(16)
RULES_MAX = const(64)
PERIODS_MAX = const(4)
POINTS_MAX = const(24)
SCENES_MAX = const(16)
PROFILES_MAX = const(8)
REACHES_MAX = const(6)
NEIGHBOURS_MAX = const(24)  # 150 m of a street with lamps on both sides at 15 m
NAME_MAX = const(24)  # names ride in `why` answers of one frame

# --- what a post keeps
ITEMS_MAX = const(256)  # readings and events waiting in RAM where flash takes none: 64 h at one each 15 minutes
ITEMS_SPILL = const(192)  # so many in RAM, and the oldest go to flash: 48 h of readings, 12 h with people
RING_ITEMS = const(128)  # a segment of 2.6 KB fills one 4 KB block of a board's flash
RING_SEGMENTS = const(16)  # 2,048 items: a week of readings and 200 detections a day; 128 KB with both copies
ITEMS_KEEP_MS = const(1800000)  # without a gateway for so long, what waits is written down: two writes an hour
LOG_LINES_MAX = const(64)  # the service console's log
COUNTER_RESERVE = const(1024)  # broadcast counters stored ahead: one flash write each 1,024 frames, 2**32 last decades
EVENT_TRIES_ALONE = const(3)  # with one loss in three (a bad line) 96 % get through; the item is never lost
EVENT_TRIES = const(8)  # where each failure is told: a street that sees 64 people at once needs six splits of a garble
EVENT_EVERY_MS = const(250)  # four inputs, each of which tells a second time within a second; a contact that bounces
EVENT_BURST = const(8)  # says so many, and then no more than 4 a second: 6 % of a line at 19,200 baud
HUSH_MAX_S = const(600)  # how long a post that disturbs its line is kept from speaking unasked
EVENTS_OUT_MAX = const(8)  # events waiting for a window; more than that is a stuck sensor
ITEMS_RESERVE = const(256)  # item numbers stored ahead: one flash write each 256 items
ITEMS_JUMP_MAX = const(3000000000)  # the year 2095: a wrong clock must not use up the 2**32 numbers there are
TRANSACTIONS_MAX = const(16)  # results of commands remembered, so that a repeated one is answered and not done again
FIELD_LINE_MAX = const(80)  # a line on the host board's stdin
CONSOLE_LINE_MAX = const(160)  # a key has 64 hexadecimal digits; nothing typed is longer than two of those
CONSOLE_IDLE_S = const(900)  # a session forgotten at the post ends by itself, as does the technician's level

# --- light
LEVEL_MAX = const(1000)  # per mille of full light output
RAMP_MAX_S = const(3600)  # longer, and a person takes the ramp for a fault
FADE_MAX_MS = const(600000)  # ten minutes: a presence fade longer than the longest hold serves nobody
HOLD_MAX_S = const(600)  # ten minutes: a stuck sensor on a neighbour must not light a street all night
SUN_OFFSET_MAX_MIN = const(720)  # beyond half a day the other event is meant
NEIGHBOUR_DM_MAX = const(10000)  # 1 km: stopping sight distance of a car, three times over
RATED_MW_MAX = const(10000000)  # 10 kW: a stadium mast
TECHNICIAN_IDLE_S = const(900)  # a laptop left on the cabinet must not hold the level until morning
REASON_MAX = const(40)  # characters of one link of a `why` chain: nine links fit two frames
ASK_AGAIN_MAX_MS = const(3600000)  # a post looks again each hour even when nothing is due: a bound on any slip
COMMAND_FADE_MS = const(1000)  # override, technician, crowd up: fast, yet no flash
EMERGENCY_FADE_MS = const(500)
SLOW_FADE_MS = const(8000)  # crowd down, energy cap: DESIGN.md's slow down
PROTECTION_FADE_MS = const(10000)  # a driver's temperature moves in minutes: nobody should see the derating
PHOTOCELL_ON_MLX = const(35000)  # 35 lx: the usual switch-on of street photocells
PHOTOCELL_DAY_MS = const(
    86400000
)  # of day without a break: below 60 degrees none lasts so long, the photocell is stuck
PHOTOCELL_OFF_MLX = const(70000)  # and off above twice that, so that its own lamp does not switch it off
HALF_NIGHT_STEP_MS = const(300000)  # how often a post without the time looks how far the learned night has got
DERATE_FROM_DC = const(800)  # 80 C: full output to here
DERATE_TO_DC = const(950)  # 95 C: and DERATED_PM from here
DERATED_PM = const(400)
TEMPERATURE_MAX_DC = const(1500)  # 150 C: no driver lives there, so the sensor is broken and is not believed

# --- health: each fault has a threshold to come and one to go; its delays stand in health.py
LIT_MW = const(3000)  # below 3 W of light nobody can tell a lamp's power from a meter's error
LAMP_LEVEL_PM = const(200)  # below 20 % the curve of a driver is not known well enough to judge it
LAMP_ON_PERCENT = const(50)  # of the power its level should take: one of two LED strings has failed
LAMP_OFF_PERCENT = const(70)
DRIVER_ON_PERCENT = const(150)  # and 3 W: it burns at full though it should be dimmed to half
DRIVER_OFF_PERCENT = const(125)
RELAY_MW = const(300)  # through an open relay flows nothing; a meter's error is below this
CYCLES_ON = const(5)  # an old discharge lamp goes out and strikes again every ten minutes
CYCLES_OFF_S = const(7200)
VOLTAGE_LOW_ON_MV = const(207000)  # EN 50160: 230 V -10 %
VOLTAGE_LOW_OFF_MV = const(211000)
VOLTAGE_HIGH_ON_MV = const(253000)  # +10 %
VOLTAGE_HIGH_OFF_MV = const(249000)
FACTOR_LEVEL_PM = const(700)  # (EU) 2019/2020 asks for a displacement factor of 0.9 at full load above 25 W
FACTOR_ON_PM = const(800)
FACTOR_OFF_PM = const(850)
HOT_OFF_DC = const(750)  # 5 degrees below where derating begins
MEASURED_FRESH_MS = const(60000)  # an older value no longer says what is now
GEAR_FRESH_MS = const(180000)  # what DALI gear says of its lamp, asked for each minute: two answers may be lost
SETTLED_MS = const(10000)  # a power sensor averages over seconds: the level has been at rest for so long
SENSOR_STUCK_S = const(1800)  # half an hour without a break: a person moves, a stuck contact does not
SENSOR_BREAK_MS = const(2000)  # a shorter break is a bouncing contact, not somebody who left
SENSOR_DEAD_S = const(86400)  # a day and
SENSOR_DEAD_SEEN = const(500)  # so many detections on the other side: some sixty walkers along a street
CLOCK_START_S = const(900)  # a gateway tells the time every 10 s; after a long power cut it starts within minutes
CLOCK_OLD_S = const(7 * 86400)  # 50 ppm of a crystal are 30 s a week: a switch moment is then noticeably off
GATEWAY_SILENT_S = const(7200)  # the slowest round that is sensible is an hour; twice that
SHORT_START_S = const(600)  # a start that lives ten minutes was none too many
SHORT_STARTS_ON = const(5)
FLASH_WRITES_MAX = const(10000000)  # 352 blocks of a Pico's file system, 100,000 erases each, 3 a write, and a margin
UPKEEP_MS = const(600000)  # how often a post looks after what nothing tells it of

# --- what a post learns and counts
NIGHTS_KEPT = const(5)  # a week of clouds must not blur the mean, one odd night must not make it
NIGHTS_LEAST = const(3)
NIGHT_MIN_MIN = const(240)  # a summer night at 60 degrees has five hours
NIGHT_MAX_MIN = const(1200)  # longer, and the post is powered by day too: no feeder that is switched at dusk and dawn
NIGHT_SPREAD_MIN = const(60)  # nights next to each other differ by less, or something else switches the feeder
CHECKPOINT_MS = const(1200000)  # 20 minutes: 60 writes a night, and what a power cut takes from energy and hours
CHECKPOINT_DAY_MS = const(3600000)  # on permanent power, once a night is out of the question

# --- firmware
FIRMWARE_MAX = const(524288)  # 512 KB: half of a Pico's flash, twice what a full agent takes as .mpy
FIRMWARE_FILES_MAX = const(160)  # the agent has some hundred
FIRMWARE_IMAGE_MAX = const(540672)  # the files, the manifest, a signature
FIRMWARE_MANIFEST_MAX = const(20480)  # a line of up to 128 bytes for each of them
