"""Load tests as pytest tests: does a server keep its promises? Judged so that the verdict can be trusted."""

from loadcheck.model.judgement import claim
from loadcheck.model.objectives import Objective, objective
from loadcheck.model.workload import Arrivals, UserClass, Users, Workload, arriving, closed

__all__ = [
    "Arrivals",
    "Objective",
    "UserClass",
    "Users",
    "Workload",
    "arriving",
    "claim",
    "closed",
    "objective",
]
