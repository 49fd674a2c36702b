"""What is found of a Redis that there is."""

import msgspec

from wisphub_api.check import findings
from wisphub_api.setting_values import Secret


async def test_one_that_takes_what_it_is_given_is_fine(settings, patient_redis):
    settings = msgspec.structs.replace(settings, redis_url=Secret(patient_redis.url))
    found = {finding.part: finding async for finding in findings(settings)}
    assert (found["Redis"].is_good, found["Redis"].detail) == (True, "answers, and takes what it is given")
