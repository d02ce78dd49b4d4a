"""The arithmetic of docs/settlement.md, the canonical form, and a comparison of results."""

import json

WHOLE = 10_000


def canonical(value):
    """The one JSON form: keys ascending, no white space, UTF-8, no newline."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def result_bytes(result):
    """What a settlement's hash is taken over: the newline belongs to it."""
    return canonical(result) + b"\n"


def bps(amount, rate):
    return amount * rate // WHOLE


def ceil_div(over, under):
    return -(-over // under)


def allot(total, weights):
    """Divides total by the weights of a dict; returns the parts, and who got a unit left over."""
    whole = sum(weights.values())
    if whole == 0:
        return dict.fromkeys(weights, 0), set()
    parts = {name: total * weight // whole for name, weight in weights.items()}
    by_remainder = sorted(
        weights, key=lambda name: (-(total * weights[name] % whole), name.encode())
    )
    lucky = set(by_remainder[: total - sum(parts.values())])
    return {name: part + (name in lucky) for name, part in parts.items()}, lucky


def difference(ours, theirs, path=""):
    """The first place where two results differ, in words; None where they do not."""
    if isinstance(ours, dict) and isinstance(theirs, dict):
        for key in sorted(ours.keys() | theirs.keys()):
            if key not in ours or key not in theirs:
                return f"{path}.{key} is only in {'theirs' if key in theirs else 'ours'}".lstrip(
                    "."
                )
            if found := difference(ours[key], theirs[key], f"{path}.{key}"):
                return found
    elif isinstance(ours, list) and isinstance(theirs, list):
        for i, pair in enumerate(zip(ours, theirs)):
            if found := difference(*pair, f"{path}[{i}]"):
                return found
        if len(ours) != len(theirs):
            return f"{path} has {len(ours)} here, {len(theirs)} there".lstrip(".")
    elif ours != theirs:
        return f"{path} is {ours!r} here, {theirs!r} there".lstrip(".")
    return None
