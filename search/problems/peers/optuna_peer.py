#!/usr/bin/python3
"""Optuna as a peer of the search, over the same JSON lines (docs/ASK-TELL.md).

Runs on Debian's python3-optuna 3.1.0. Samplers, by options.sampler:

  optuna-tpe    TPESampler(multivariate=True), with group=True where the space
                has conditions, as Optuna's documentation asks for
  optuna-nsga2  NSGAIISampler(population_size=20)

Everything else is Optuna's default. options.start are enqueued. Outcome
constraints are given to constraints_func.

What was tried must be what was asked: NSGA-II learns from its own generations
alone, so "params" on tell are refused.
"""

import json
import math
import sys
import warnings

import optuna
from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution
from optuna.trial import TrialState, create_trial

warnings.filterwarnings("ignore")
optuna.logging.set_verbosity(optuna.logging.ERROR)


def distribution(param):
    kind = param["type"]
    if kind == "categorical":
        return CategoricalDistribution(list(range(len(param["choices"]))))
    if kind == "ordinal":
        return IntDistribution(0, len(param["values"]) - 1)
    if kind == "int":
        return IntDistribution(int(param["low"]), int(param["high"]), log=param.get("log", False))
    return FloatDistribution(param["low"], param["high"], log=param.get("log", False))


def in_order(space):
    """The params, those after that their conditions name."""
    ordered, names = [], set()
    while len(ordered) < len(space):
        for param in space:
            if param["name"] not in names and set(param.get("when", {})) <= names:
                ordered.append(param)
                names.add(param["name"])
    return ordered


class Peer:
    def __init__(self, request):
        options = request.get("options") or {}
        self.space = in_order(request["space"])
        self.distributions = {p["name"]: distribution(p) for p in self.space}
        self.name = options.get("sampler", "optuna-tpe")
        seed = request.get("seed", 0)
        common = {"seed": seed}
        if options.get("constraints"):
            common["constraints_func"] = lambda trial: self.broken[trial.number]
        if self.name == "optuna-tpe":
            conditional = any("when" in p for p in self.space)
            sampler = optuna.samplers.TPESampler(multivariate=True, group=conditional, **common)
        elif self.name == "optuna-nsga2":
            sampler = optuna.samplers.NSGAIISampler(population_size=20, **common)
        else:
            raise ValueError("no sampler " + self.name)
        self.broken = {}  # constraints by the number of the trial
        self.study = optuna.create_study(directions=request["directions"], sampler=sampler)
        self.objectives = len(request["directions"])
        for params in options.get("start") or []:
            self.study.enqueue_trial(self.typed(params))
        self.open = {}
        self.count = 0

    def typed(self, params):
        whole = lambda name: not isinstance(self.distributions[name], FloatDistribution)
        return {n: int(x) if whole(n) else float(x) for n, x in params.items()}

    def ask(self):
        trial = self.study.ask()
        params = {}
        for p in self.space:
            name, d = p["name"], self.distributions[p["name"]]
            if all(params.get(k) in values for k, values in p.get("when", {}).items()):
                params[name] = self.suggest(trial, name, d)
        self.count += 1
        self.open[self.count - 1] = trial
        return {"id": self.count - 1, "params": params}

    @staticmethod
    def suggest(trial, name, d):
        if isinstance(d, CategoricalDistribution):
            return trial.suggest_categorical(name, d.choices)
        if isinstance(d, IntDistribution):
            return trial.suggest_int(name, d.low, d.high, log=d.log)
        return trial.suggest_float(name, d.low, d.high, log=d.log)

    def tell(self, request):
        if "params" in request:
            raise ValueError("a tell of other params than were asked")
        trial = self.open.pop(request["id"])
        values = request.get("values")
        state = request.get("state", "complete")
        if state != "complete" or any(v is None for v in values):
            self.study.tell(trial, state=TrialState.FAIL)
            return
        if request.get("constraints"):
            self.broken[trial.number] = tuple(math.inf if c is None else c for c in request["constraints"])
        self.study.tell(trial, values)

    def add(self, request):
        params = self.typed(request["params"])
        self.study.add_trial(create_trial(
            params=params, distributions={n: self.distributions[n] for n in params}, values=request["values"]))


def main():
    out, sys.stdout = sys.stdout, sys.stderr
    peer = None
    for line in sys.stdin:
        try:
            request = json.loads(line)
            command = request["cmd"]
            answer = {"ok": True}
            if command == "exit":
                break
            if command == "init":
                peer = Peer(request)
            elif command == "ask":
                answer = peer.ask()
            elif command == "tell":
                peer.tell(request)
            elif command == "add":
                peer.add(request)
            else:
                raise ValueError("no command " + command)
        except Exception as error:  # whatever it is, the other side must hear of it
            answer = {"error": repr(error)}
        out.write(json.dumps(answer) + "\n")
        out.flush()


if __name__ == "__main__":
    main()
