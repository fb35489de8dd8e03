"""Posts whose address was cleared: the gateway searches their line in a storm, and nothing else suffers."""

import pytest

from lampsim.check.broken import Broken
from lampsim.check.witness.promises import Witness
from lampsim.check.world.street import Street
from lampsim.check.worlds import draw
from lampsim.faults.lines import FrameLoss, Jabber
from lampsim.faults.posts import LostPlace

SEED = 127  # six posts on one line


def street(*faults) -> Street:
    return Street(draw(SEED), faults, Witness())


def names() -> list[str]:
    return [post for posts in draw(SEED).lines.values() for post in posts]


def test_all_posts_of_a_street_find_their_places_again() -> None:
    lost = [LostPlace(41.0 + number, 0.0, post) for number, post in enumerate(names())]
    one = street(*lost)
    seen = []
    for post in names():
        one.loop.at(49_000_000, lambda post=post: seen.append(one.posts[post].post.settings.address))
    one.run()
    assert seen == [0] * len(names()), "the control: they had lost them"
    places = {post: state.post.settings.address for post, state in one.posts.items()}
    assert places == {site.id: site.address for site in one.spec.sites}


@pytest.mark.parametrize("storm", [FrameLoss(30.0, 60.0, "a", 0.2), Jabber(30.0, 20.0, "a")])
def test_they_do_in_a_storm(storm) -> None:
    one = street(*(LostPlace(35.0, 0.0, post) for post in names()[:3]), storm)
    one.run()
    assert all(state.post.settings.address for state in one.posts.values())


def test_a_gateway_that_does_not_search_is_noticed() -> None:
    one = street(LostPlace(40.0, 0.0, names()[1]))
    one.cabinet.search_for = lambda post: None
    with pytest.raises(Broken, match="never came") as broken:
        one.run()
    assert broken.value.promise == 3
