"""The story templates. Each is a question with placeholders for numbers, and a solution plan.

In a plan, a letter denotes a number of the question, and an index the result of an earlier step.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

Operand = str | int
Range = tuple[int, int]

SMALL: Range = (2, 12)
MIDDLE: Range = (5, 60)
LARGE: Range = (20, 400)

NAMES = (
    "Anna",
    "Ben",
    "Clara",
    "David",
    "Emma",
    "Felix",
    "Greta",
    "Henry",
    "Ida",
    "Jonas",
    "Kira",
    "Leo",
    "Mila",
    "Noah",
    "Olga",
    "Paul",
)
ITEMS = (
    "apples",
    "books",
    "cards",
    "coins",
    "cups",
    "eggs",
    "flowers",
    "keys",
    "lamps",
    "letters",
    "marbles",
    "nails",
    "pears",
    "pens",
    "plates",
    "ropes",
    "shells",
    "stamps",
    "stones",
    "tickets",
)


class Operation(NamedTuple):
    """One step of a plan: the text before the equation, and `left sign right`."""

    finds: str
    left: Operand
    sign: str
    right: Operand


@dataclass(frozen=True, slots=True, eq=False)
class Template:
    name: str
    story: str
    plan: tuple[Operation, ...]
    ranges: dict[str, Range]


def _plan(*steps: tuple[str, Operand, str, Operand]) -> tuple[Operation, ...]:
    return tuple(Operation(*step) for step in steps)


TEMPLATES: tuple[Template, ...] = (
    Template(
        "trays",
        "{name} fills {a} trays with {b} {item} each and sells {c} of them. How many {item} are left?",
        _plan(("The trays hold", "a", "*", "b"), ("After the sale there are", 0, "-", "c")),
        {"a": SMALL, "b": MIDDLE, "c": LARGE},
    ),
    Template(
        "two shelves",
        "A shelf holds {a} {item} and another holds {b} more. How many {item} do both shelves hold?",
        _plan(("The other shelf holds", "a", "+", "b"), ("Both shelves hold", "a", "+", 0)),
        {"a": LARGE, "b": LARGE},
    ),
    Template(
        "packing",
        "{name} has {a} {item}, gives away {b} and puts the rest into boxes of {c}. How many boxes does {name} fill?",
        _plan(("{name} keeps", "a", "-", "b"), ("The number of boxes is", 0, "/", "c")),
        {"a": LARGE, "b": LARGE, "c": SMALL},
    ),
    Template(
        "wages",
        "{name} earns {a} dollars an hour, works {b} hours and spends {c} dollars. How many dollars are left?",
        _plan(("{name} earns", "a", "*", "b"), ("What is left is", 0, "-", "c")),
        {"a": MIDDLE, "b": SMALL, "c": LARGE},
    ),
    Template(
        "gathering",
        "{name} finds {a} {item} on Monday and {b} on Tuesday, and loses {c}. How many {item} does {name} have?",
        _plan(("On both days together that makes", "a", "+", "b"), ("After the loss there are", 0, "-", "c")),
        {"a": LARGE, "b": LARGE, "c": LARGE},
    ),
    Template(
        "shop",
        "A shop has {a} crates of {b} {item}. It sells {c} in the morning and {d} at noon. How many {item} remain?",
        _plan(
            ("The crates hold", "a", "*", "b"),
            ("After the morning there are", 0, "-", "c"),
            ("After noon there are", 1, "-", "d"),
        ),
        {"a": SMALL, "b": MIDDLE, "c": LARGE, "d": MIDDLE},
    ),
    Template(
        "bill",
        "{name} buys {a} {item} for {b} dollars each and a bag for {c} dollars, and pays with {d} dollars. "
        "How many dollars does {name} get back?",
        _plan(("The {item} cost", "a", "*", "b"), ("The whole bill is", 0, "+", "c"), ("The change is", "d", "-", 1)),
        {"a": SMALL, "b": MIDDLE, "c": MIDDLE, "d": (100, 900)},
    ),
    Template(
        "trip",
        "A bus drives {a} miles an hour for {b} hours, then {c} miles an hour for {d} hours. How far does it go?",
        _plan(
            ("The first part is", "a", "*", "b"),
            ("The second part is", "c", "*", "d"),
            ("The whole way is", 0, "+", 1),
        ),
        {"a": MIDDLE, "b": SMALL, "c": MIDDLE, "d": SMALL},
    ),
    Template(
        "sharing",
        "{name} has {a} {item}, buys {b} more and shares them among {c} friends, who lose {d} each. "
        "How many {item} does each friend have?",
        _plan(
            ("Altogether there are", "a", "+", "b"),
            ("Each friend gets", 0, "/", "c"),
            ("After the loss each has", 1, "-", "d"),
        ),
        {"a": LARGE, "b": LARGE, "c": SMALL, "d": SMALL},
    ),
    Template(
        "savings",
        "{name} saves {a} dollars a week for {b} weeks and has {c} dollars already. A coat costs {d} dollars. "
        "How many dollars remain after the coat?",
        _plan(
            ("{name} saves", "a", "*", "b"),
            ("Altogether there are", 0, "+", "c"),
            ("After the coat there are", 1, "-", "d"),
        ),
        {"a": MIDDLE, "b": SMALL, "c": LARGE, "d": LARGE},
    ),
    Template(
        "school",
        "A school has {a} classes of {b} children. On a trip {c} children are ill, the others ride in {d} buses. "
        "How many children ride in each bus?",
        _plan(
            ("The school has", "a", "*", "b"),
            ("The children on the trip are", 0, "-", "c"),
            ("Each bus takes", 1, "/", "d"),
        ),
        {"a": SMALL, "b": (10, 40), "c": MIDDLE, "d": SMALL},
    ),
    Template(
        "garden",
        "{name} plants {a} rows of {b} {item} and {c} rows of {d} more. Of all of them {e} die. How many live?",
        _plan(
            ("The first rows have", "a", "*", "b"),
            ("The other rows have", "c", "*", "d"),
            ("Planted are", 0, "+", 1),
            ("Alive are", 2, "-", "e"),
        ),
        {"a": SMALL, "b": MIDDLE, "c": SMALL, "d": MIDDLE, "e": LARGE},
    ),
    Template(
        "factory",
        "A factory makes {a} {item} an hour. It runs {b} hours, throws away {c}, adds {d} from the store and packs them "
        "in boxes of {e}. How many boxes are there?",
        _plan(
            ("The factory makes", "a", "*", "b"),
            ("Good ones are", 0, "-", "c"),
            ("With the store there are", 1, "+", "d"),
            ("The number of boxes is", 2, "/", "e"),
        ),
        {"a": MIDDLE, "b": SMALL, "c": MIDDLE, "d": MIDDLE, "e": SMALL},
    ),
    Template(
        "collection",
        "{name} has {a} {item}. {other} has {b} times as many. Together they give {c} away, and then find {d}. "
        "How many {item} do they have?",
        _plan(
            ("{other} has", "a", "*", "b"),
            ("Together they have", "a", "+", 0),
            ("After the gift there are", 1, "-", "c"),
            ("In the end there are", 2, "+", "d"),
        ),
        {"a": MIDDLE, "b": SMALL, "c": LARGE, "d": LARGE},
    ),
    Template(
        "concert",
        "A hall has {a} rows of {b} seats. For a concert {c} seats are closed, and {d} groups of {e} people come. "
        "How many seats stay empty?",
        _plan(
            ("The hall has", "a", "*", "b"),
            ("Open are", 0, "-", "c"),
            ("The people are", "d", "*", "e"),
            ("Empty stay", 1, "-", 2),
        ),
        {"a": SMALL, "b": MIDDLE, "c": MIDDLE, "d": SMALL, "e": (3, 30)},
    ),
    Template(
        "library",
        "A library owns {a} {item}. It lends {b}, gets {c} back, buys {d} and puts all on {e} shelves. "
        "How many {item} are on each shelf?",
        _plan(
            ("After lending there are", "a", "-", "b"),
            ("With those back there are", 0, "+", "c"),
            ("With the new ones there are", 1, "+", "d"),
            ("Each shelf gets", 2, "/", "e"),
        ),
        {"a": (100, 800), "b": LARGE, "c": MIDDLE, "d": MIDDLE, "e": SMALL},
    ),
    Template(
        "farm",
        "A farm sells {a} baskets of {b} {item} and {c} baskets of {d}. It had {e} {item} more, of which {f} were bad. "
        "How many good {item} did the farm have?",
        _plan(
            ("The first baskets hold", "a", "*", "b"),
            ("The other baskets hold", "c", "*", "d"),
            ("Sold are", 0, "+", 1),
            ("With the rest there are", 2, "+", "e"),
            ("Good are", 3, "-", "f"),
        ),
        {"a": SMALL, "b": MIDDLE, "c": SMALL, "d": MIDDLE, "e": LARGE, "f": MIDDLE},
    ),
    Template(
        "party",
        "{name} buys {a} packs of {b} {item} and {other} buys {c} packs of {d}. They lose {e} and share the rest among "
        "{f} guests. How many {item} does each guest get?",
        _plan(
            ("{name} buys", "a", "*", "b"),
            ("{other} buys", "c", "*", "d"),
            ("Together they have", 0, "+", 1),
            ("After the loss there are", 2, "-", "e"),
            ("Each guest gets", 3, "/", "f"),
        ),
        {"a": SMALL, "b": MIDDLE, "c": SMALL, "d": MIDDLE, "e": MIDDLE, "f": SMALL},
    ),
    Template(
        "market",
        "{name} sells {a} {item} for {b} dollars each. The stall costs {c} dollars and the van {d} dollars. "
        "The profit is shared by {e} people, and {name} gives {f} dollars of that part away. "
        "How many dollars does {name} keep?",
        _plan(
            ("The sales bring", "a", "*", "b"),
            ("After the stall there are", 0, "-", "c"),
            ("The profit is", 1, "-", "d"),
            ("Each part is", 2, "/", "e"),
            ("{name} keeps", 3, "-", "f"),
        ),
        {"a": MIDDLE, "b": SMALL, "c": MIDDLE, "d": MIDDLE, "e": SMALL, "f": SMALL},
    ),
    Template(
        "reading",
        "{name} reads {a} pages a day for {b} days, then {c} pages a day for {d} days. The book has {e} pages. "
        "{name} reads the rest in {f} days. How many pages is that a day?",
        _plan(
            ("First {name} reads", "a", "*", "b"),
            ("Then {name} reads", "c", "*", "d"),
            ("Read are", 0, "+", 1),
            ("The rest is", "e", "-", 2),
            ("A day that is", 3, "/", "f"),
        ),
        {"a": MIDDLE, "b": SMALL, "c": MIDDLE, "d": SMALL, "e": (200, 999), "f": SMALL},
    ),
)
