"""What the office wants of the posts: plans, groups, scenes, requests, firmware; brought to them and kept."""
