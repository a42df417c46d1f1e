"""Which events of an answer were tokens, and what is known of the time between them, after
docs/statistics.md, by other means than the program's: lists of events, one by one."""

import re

import numpy as np

SETS = {"text": "T", "text+empty": "TE", "text+finish": "TF", "text+empty+finish": "TEF"}
LETTERS = {"text": "T", "empty": "E", "finish": "F"}


def spelled(text, count, otherwise):
    """"x2b" -> ["x", "x", "b"]; where nothing is said, all are of the usual kind."""
    if text is None:
        return [otherwise] * count
    return [letter for letter, times in re.findall(r"([A-Za-z])(\d*)", text)
            for _ in range(int(times or 1))]


class Answer:
    """One answer: its events with tokens, and how far their number is known."""

    def __init__(self, request):
        self.request = request
        self.total = request.get("tokens_out")
        self.done = request.get("done_ns")
        self.is_whole = request.get("last_ns") is not None  # in one piece
        self.first, self.last = None, request.get("last_ns")
        self.is_counted = request.get("counted", False)
        self.is_known, self.head = False, 1
        self.at = self.cls = self.own = self.tokens = None
        if "event_ns" in request:
            self.at = request["event_ns"] + np.concatenate(
                ([0], np.cumsum(request["gaps_ns"], dtype=np.int64))).astype(np.int64)
            count = len(self.at)
            self.cls = spelled(request.get("classes"), count, "T")
            self.stamps = spelled(request.get("stamps"), count, "x")
            self.tokens = request.get("event_tokens")
        self.classes = self.class_counts(request)
        if self.at is not None and sum(self.tokens or [1] * len(self.at)) != self.total:
            self.is_counted = False
        self.head = self.tokens[0] if self.tokens else request.get("first_event_tokens", 1)

    def class_counts(self, request):
        """{letter: (count, first, last, stamps)} of the raw events."""
        if self.at is not None:
            made = {}
            for letter in "TEF":
                at = [i for i, c in enumerate(self.cls) if c == letter]
                if at:
                    made[letter] = (len(at), int(self.at[at[0]]), int(self.at[at[-1]]),
                                    "".join(self.stamps[i] for i in at))
            return made
        return {LETTERS[name]: (c["count"], c["first_ns"], c["last_ns"],
                                "x" * c.get("exact", 0) + "b" * c.get("bounded", 0) +
                                "t" * c.get("tail", 0))
                for name in LETTERS if (c := request.get(name))}

    def size(self, letters):
        return sum(self.classes[c][0] for c in letters if c in self.classes)

    def begins_with(self, letter):
        """Such an event comes before all text: an empty one is the first token, or none."""
        text, other = (self.classes.get(c) for c in ("T", letter))
        return bool(text and other and other[1] < text[1])

    def is_doubtful(self, letter):
        """The only event of that class, after the text, may stand for a token that nobody saw: it comes
        at more than twice or less than half of the median step of the text."""
        text, other = (self.classes.get(c) for c in ("T", letter))
        if not text or not other:
            return False
        if other[0] != 1 or other[1] < text[2]:
            return False
        if self.at is not None:
            steps = np.diff([at for at, c in zip(self.at, self.cls) if c == "T"])
        else:
            steps = np.array([(text[2] - text[1]) / (text[0] - 1)] if text[0] > 1 else [])
        gap, most = other[1] - text[2], len(steps) / 2
        return bool(not len(steps) or (steps > 2 * gap).sum() > most or (2 * steps < gap).sum() > most)

    def settle(self, name):
        """By the repeat's set, None where none fits; counted ones by their counts."""
        if self.is_whole:
            return
        fits = name in SETS and self.total is not None and self.size(SETS[name]) == self.total
        self.is_known = self.is_counted or fits
        letters = "TEF" if self.is_counted else SETS[name] if fits else "T"
        if not self.is_counted:
            self.tokens, self.head = None, 1
        kept = [self.classes[c] for c in letters if c in self.classes]
        self.first = min((c[1] for c in kept), default=None)
        self.last = max((c[2] for c in kept), default=self.done)
        if not self.is_known and self.begins_with("E"):
            self.first = None
        if self.at is None:
            return
        keep = [i for i, c in enumerate(self.cls) if c in letters and
                not (self.is_counted and self.tokens and self.tokens[i] == 0)]
        self.at = self.at[keep]
        stamps = [self.stamps[i] for i in keep]
        has_stamps = "stamps" in self.request or "classes" in self.request
        for i in range(len(keep) - 1 if has_stamps else 0):  # two of one read: the stamp is the later one's
            if self.at[i] == self.at[i + 1]:
                stamps[i] = "b"
        self.stamps = stamps
        self.own = [s != "b" for s in stamps]
        if self.tokens is not None:
            self.tokens = [self.tokens[i] for i in keep]

    def began(self):
        """The first token's instant; None where its event came with a later one."""
        has_events = self.at is not None and len(self.at)
        return None if has_events and not self.own[0] else self.first

    def tpot_ms(self):
        """None where it hangs by more than 5 % on what had come at the first instant."""
        if self.total is None or self.first is None or self.last is None:
            return None
        head, texts = max(self.head, 1), self.classes.get("T", (0, 0, 0, ""))
        most = 1
        if self.is_known and self.at is not None and len(self.at):
            head = max(head, sum(t for t, at in zip(self.event_tokens(), self.at)
                                 if at == self.at[0]))
        elif not self.is_known and not self.is_whole and texts[0]:
            most = -(-self.total // texts[0])
        elif self.at is None:
            most = 1 + texts[3].count("b")
        rest = self.total - head
        if rest < 1 or self.last <= self.first or rest > 1.05 * (self.total - max(most, head)):
            return None
        return (self.last - self.first) / 1e6 / rest

    def event_tokens(self):
        return self.tokens if self.tokens is not None else [1] * len(self.at)

    def count_stamps(self):
        """{x, b, t: number} of the tokens' events, of all where nobody kept them."""
        if self.at is not None:
            text = "".join(self.stamps) if self.own is not None else ""
        else:
            text = "".join(c[3] for c in self.classes.values())
        return {letter: text.count(letter) for letter in "xbt"}

    def gaps(self):
        """([(gap ns, instant)], [(tokens, at most ns)]) between tokens; None where the
        answer says nothing of them."""
        if not self.is_known or self.at is None or not len(self.at) or not self.own[0]:
            return None
        booked, bounds, tokens, start = [], [], self.event_tokens(), 0
        for i in range(1, len(self.at)):
            is_end = self.own[i] or i == len(self.at) - 1
            if i - start == 1 and self.own[i] and tokens[i] == 1:
                booked.append((int(self.at[i] - self.at[i - 1]), int(self.at[i])))
            elif is_end:
                bounds.append((sum(tokens[start + 1:i + 1]), int(self.at[i] - self.at[start])))
            if is_end:
                start = i
        return booked, bounds

    def booked(self):
        """Gaps with two stamps of their own, and all others, whatever the first event is."""
        if self.at is None or self.own is None or not len(self.at):
            return 0, 0
        tokens = self.event_tokens()
        n = sum(self.is_known and self.own[i] and self.own[i - 1] and tokens[i] == 1
                for i in range(1, len(self.at)))
        return n, len(self.at) - 1 - n


def settle(requests):
    """Adds `answer` to those that were answered; the name of the set, None: none fits."""
    answers = []
    for r in requests:
        if r["status"] == "ok":
            r["answer"] = Answer(r)
            answers.append((r, r["answer"]))
    open_ones = [a for _, a in answers if not a.is_whole]
    voters = [(r, a) for r, a in answers if not a.is_whole and not a.is_counted]
    votes = {name: sum(a.total is not None and r.get("token_source") != "estimated" and
                       a.size(letters) == a.total for r, a in voters)
             for name, letters in SETS.items()}
    best = max(SETS, key=lambda name: votes[name])  # the first of equals
    chosen = best if votes[best] and votes[best] * 2 >= len(voters) else None
    fit = [a for _, a in voters if a.total is not None and a.size(SETS[best]) == a.total]
    if chosen and any(2 * sum(a.is_doubtful(letter) for a in fit) > len(fit) or
                      all(a.begins_with(letter) for a in fit)
                      for letter in SETS[best] if letter != "T"):
        chosen = None
    if open_ones and not voters:
        chosen = "counted"
    for _, a in answers:
        a.settle(chosen)
    return chosen if open_ones else None


def differences(requests):
    """Events with text less tokens: {difference: answers}, 16 at most."""
    made = {}
    for r in requests:
        a = r.get("answer")
        if a is not None and a.total is not None:
            key = a.classes.get("T", (0,))[0] - a.total
            made[key] = made.get(key, 0) + 1
    kept = sorted(made.items(), key=lambda item: (-item[1], item[0]))
    shown = {str(key): n for key, n in sorted(kept[:16])}
    rest = sum(n for _, n in kept[16:])
    return {**shown, **({"other": rest} if rest else {})}


def told(lines):
    """The journal's lines; those of answers with the tokens' first_ns and last_ns, the arrivals
    token_ns of their events, and whether each is the event's own."""
    repeats = {}
    for line in lines:
        if line["type"] == "request":
            repeats.setdefault((line["cell"], line["repeat"]), []).append(line)
    for requests in repeats.values():
        settle(requests)
    for line in lines:
        answer = line.get("answer")
        if answer is not None:
            line.update(first_ns=answer.first, last_ns=answer.last, own=answer.own,
                        token_ns=None if answer.at is None else [int(at) for at in answer.at])
    return lines
