"""The bots' mix with searches that nobody made before: `locust -f locustfiles/first_searches.py --host …`."""

import random

from locust import task
from locustfiles import bot_traffic
from locustfiles.client_search import NAMES
from locustfiles.consumer import SEARCH

FIRST_SEARCH = f"{SEARCH} (first time)"
"""Their name in reports: no answer kept from before helps them, so that they tell how fast a search is."""
FEWEST_LETTERS = 4


class FirstSearchUser(bot_traffic.WispHubAPIUser):
    """A bot that also searches parts of names, in whatever case, and of numbers (33/22/11/11/11/11 %)."""

    @task(1)
    def search_part_of_name(self) -> None:
        """Some letters of a name, as somebody may write them."""
        name = random.choice(NAMES)
        begin = random.randrange(len(name) - FEWEST_LETTERS + 1)
        letters = name[begin : random.randint(begin + FEWEST_LETTERS, len(name))]
        self.search(
            "".join(random.choice((str.lower, str.upper))(each) for each in letters), name=FIRST_SEARCH
        )

    @task(1)
    def search_part_of_number(self) -> None:
        """Some digits of a document or a phone."""
        self.search(f"{random.randrange(10_000):04}", may_be_empty=True, name=FIRST_SEARCH)
