"""How much a plan file may hold, each bound with its reason. What one post may get is in `lamppost.limits`."""

from lamppost import limits

PROGRAMS_MAX = 128  # a gateway has 250 posts; half as many programs are more than anyone keeps apart
PROFILES_MAX = 64  # eight times what one post may use
CALENDARS_MAX = 128
GROUPS_MAX = 250  # one for each post
POSTS_MAX = limits.ADDRESS_MAX  # posts of one gateway
SCENES_MAX = 128  # the events of a year; one post takes limits.SCENES_MAX of them
SCENE_GROUPS_MAX = GROUPS_MAX
DESCRIPTION_MAX = 500  # characters: a remark, not a manual
ID_MAX = 32  # programs, profiles and scenes: limits.NAME_MAX, they ride in `why` answers
REACH_MAX_M = 150  # a post's neighbour table goes no further (see neighbours.py)
DEFAULT_FLOOR_PM = 100  # 10 %: enough to see the kerb
DEFAULT_RAMP_S = 30  # unnoticed by a walker, soon enough for a switch point
