"""Plausible data for the school: `reactor seed` calls `step` until it says that there is no more.

Everything follows from a seed number, so the same command makes the same school again. Each step is one transaction of
a few hundred documents: small enough that others are served in between.
"""

import math
import random
from typing import TypedDict

from functions._generated.data_model import (
    EssayId,
    EssayRequestFields,
    EssayRequestPriority,
    EssayRequestScores,
    EssayRequestStatus,
    OperationsEventFields,
    OperationsEventKind,
    OrderId,
    OrderStatus,
    PaymentStatus,
    UserId,
    UserRole,
)
from functions._generated.server import MutationCtx, internal_mutation
from functions.dashboard_filters import day_of
from functions.orders import PRICES
from functions.users import with_email

CUSTOMERS, STUDENTS = 10_000, 2_000
"""At scale 1: these have some 40,000 orders and 100,000 messages."""

_CUSTOMERS_A_STEP, _STUDENTS_A_STEP = 25, 4
_DAY = 86_400_000
_DAYS = 730

FIRST_NAMES = (
    "Ada", "Amara", "Anna", "Aylin", "Ben", "Carla", "Chen", "Clara", "Daniel", "David", "Elena", "Emil",
    "Emma", "Eva", "Fatima", "Felix", "Finn", "Grace", "Hana", "Ida", "Ines", "Ivan", "Jakob", "Jana", "Jonas",
    "Julia", "Kaito", "Lara", "Lea", "Leo", "Lina", "Luca", "Lucia", "Maja", "Marco", "Maria", "Mei", "Mila",
    "Milan", "Nadia", "Nico", "Nina", "Noah", "Nora", "Omar", "Oskar", "Paul", "Petra", "Priya", "Ravi",
    "Rosa", "Samuel", "Sara", "Selma", "Sofia", "Theo", "Tomas", "Vera", "Yara", "Zoe",
)  # fmt: skip
LAST_NAMES = (
    "Abebe", "Adler", "Almeida", "Bauer", "Becker", "Bianchi", "Brandt", "Costa", "Diaz", "Dubois", "Fischer",
    "Fontana", "Garcia", "Haas", "Hansen", "Hoffmann", "Horvat", "Ito", "Jansen", "Kaya", "Keller", "Khan",
    "Kim", "Klein", "Kovacs", "Kraus", "Lang", "Larsen", "Lehmann", "Lopez", "Maier", "Martin", "Meyer",
    "Moreau", "Nakamura", "Nguyen", "Novak", "Okafor", "Olsen", "Park", "Patel", "Peters", "Ricci", "Richter",
    "Rossi", "Santos", "Sato", "Schmidt", "Schneider", "Silva", "Singh", "Vogel", "Wagner", "Weber", "Wolf",
    "Yilmaz", "Zhang", "Zimmer",
)  # fmt: skip
COUNTRIES = (
    ("DE", 34),
    ("AT", 9),
    ("CH", 9),
    ("FR", 11),
    ("NL", 8),
    ("ES", 8),
    ("IT", 7),
    ("PL", 6),
    ("SE", 4),
    ("US", 4),
)
STATES: tuple[EssayRequestStatus, ...] = ("received", "in_review", "done")
REVIEWERS = ("Dr. Brandt", "Ms. Okafor", "Mr. Ricci", "Ms. Nakamura", "Dr. Keller", "Mr. Santos")
TOPICS = (
    "school uniforms", "the voting age", "a city without cars", "homework", "artificial intelligence in class",
    "a gap year", "learning a second language", "energy and the climate", "sport for everybody", "the value of failure",
    "reading novels", "social media before sixteen", "volunteering", "a book that changed me", "money and happiness",
    "the history of my town",
)  # fmt: skip
OPENINGS = (
    "Few questions divide a room as quickly as {topic}.", "When I first heard of {topic}, I shrugged.",
    "My grandmother had a firm opinion on {topic}.", "Everybody has an opinion on {topic}, and few have reasons.",
    "This essay asks what {topic} should mean to us.",
)  # fmt: skip
SENTENCES = (
    "The usual argument rests on a single study, which is thin ground for a rule.",
    "A closer look shows that both sides want the same thing and fear different ones.",
    "In practice the cost falls on those who can least afford it.",
    "That would be convincing, if it did not leave out everybody who disagrees.",
    "I have seen this in my own school, where the rule was tried for a year.",
    "The numbers speak for it; the people whom they count do not.",
    "One objection deserves an answer, because it is a fair one.",
    "What follows from this is less than most would like, and more than nothing.",
    "An example makes it clearer than any principle.",
    "Time will tell, but we do not have to wait for it.",
    "So the question is not whether, but for whom and how fast.",
    "A teacher of mine used to say that a good reason survives being repeated.",
)
QUESTIONS = (
    "Can you look at my introduction about {topic}?", "Is my thesis on {topic} clear enough?",
    "How do I end an essay about {topic}?", "My teacher says my paragraphs on {topic} do not connect. Why?",
    "Which counterargument on {topic} should I answer?", "Is this too long for a piece on {topic}?",
    "What would you cut?", "Does this sentence work?", "Could you give me an example?", "And the conclusion?",
)  # fmt: skip
ANSWERS = (
    "Your thesis is there, but it comes in the third sentence. Put it first, and let the story follow.",
    "Two of your paragraphs make the same point. Keep the one with the example.",
    "End with what follows from it for your reader, not with a summary.",
    "Connect them by the question that the first one leaves open.",
    "Answer the strongest objection, not the weakest: then nobody can say you have not seen it.",
    "Cut every sentence that begins with 'In my opinion'. It is your essay, we know.",
    "It works. I would only break it in two after the comma.",
    "Here is one: instead of 'many people', say which, and how you know.",
)


class Progress(TypedDict):
    """How far it is: `done` of `total` steps; `next` is the number of the next step, None when there is none."""

    done: float
    total: float
    next: float | None
    text: str


@internal_mutation
async def step(ctx: MutationCtx, number: int = 0, seed: int = 1, scale: float = 1.0) -> Progress:
    """Make the part of the school with this number."""
    customers = max(1, math.ceil(CUSTOMERS * scale / _CUSTOMERS_A_STEP))
    total = customers + max(1, math.ceil(STUDENTS * scale / _STUDENTS_A_STEP))
    world = _World(ctx, random.Random(f"{seed} {number}"), number)  # noqa: S311 - nothing here is a secret
    if number == 0:
        await world.staff()
    if number < customers:
        await world.customers()
    elif number < total:
        await world.students()
    done = min(number + 1, total)
    text = "customers and orders" if done < customers else "students and essays"
    return {"done": done, "total": total, "next": done if done < total else None, "text": text}


class _Order(TypedDict):
    product: str
    amount: float
    status: OrderStatus
    day: str
    placedAt: float


class _World:
    """One step's share of the school. Names, addresses and payments carry its number, so that no two are the same."""

    def __init__(self, ctx: MutationCtx, rng: random.Random, number: int) -> None:
        self._ctx, self._rng, self._number = ctx, rng, number
        self._midnight = ctx.now - ctx.now % _DAY

    async def staff(self) -> None:
        """Whoever wants to see everything signs in as the admin."""
        staff: tuple[tuple[str, UserRole], ...] = (("Admin", "admin"), ("Teacher", "teacher"))
        for name, role in staff:
            address = f"{name.lower()}@school.example"
            if await with_email(self._ctx, address) is None:
                await self._ctx.db.insert("users", {"name": name, "email": address, "role": role})

    # Customers

    async def customers(self) -> None:
        for position in range(_CUSTOMERS_A_STEP):
            await self._customer(position)

    async def _customer(self, position: int) -> None:
        rng, db = self._rng, self._ctx.db
        # More and more customers come, so the square root leans towards today.
        since = int(_DAYS * (1 - math.sqrt(rng.random())))
        orders = self._orders(since)
        paid = [order for order in orders if order["status"] == "paid"]
        name = self._name()
        customer = await db.insert(
            "customers",
            {
                "name": name,
                "email": self._email(name, position),
                "country": rng.choices([c for c, _ in COUNTRIES], [w for _, w in COUNTRIES])[0],
                "plan": rng.choices(("single", "monthly", "yearly"), (6, 3, 1))[0],
                "active": rng.random() < 0.86,
                "day": self._day(since),
                "revenue": sum(order["amount"] for order in paid),
                "orders": len(paid),
            },
        )
        for index, order in enumerate(orders):
            id = await db.insert("orders", {"customerId": customer, **order})
            await self._payment(id, order, f"seed-{self._number}-{position}-{index}")
            if order["status"] == "paid" and order["placedAt"] > self._midnight - 14 * _DAY:
                await self._event("order_paid", order["day"], f"{name} paid €{order['amount'] / 100:,.2f}")

    def _orders(self, since: int) -> list[_Order]:
        rng = self._rng
        orders: list[_Order] = []
        for _ in range(1 + int(rng.expovariate(1 / 3.2))):
            ago = rng.randint(0, since)
            product = rng.choices(tuple(PRICES), (10, 4, 3, 5))[0]
            states: tuple[OrderStatus, ...] = ("paid", "refunded", "cancelled", "pending")
            status = rng.choices(states, (90, 4, 3, 20 if ago < 10 else 0))[0]
            at = self._midnight - ago * _DAY + rng.randint(7, 21) * 3_600_000 * (ago > 0)
            amount = round(PRICES[product] * rng.choice((1, 1, 1, 1, 0.9, 0.8, 2)))
            orders.append(
                {"product": product, "amount": amount, "status": status, "day": self._day(ago), "placedAt": at}
            )
        return sorted(orders, key=lambda order: order["placedAt"])

    async def _payment(self, order_id: OrderId, order: _Order, number: str) -> None:
        if order["status"] in ("paid", "refunded"):
            status: PaymentStatus = "succeeded" if order["status"] == "paid" else "refunded"
            await self._ctx.db.insert(
                "payments",
                {
                    "orderId": order_id,
                    "providerId": number,
                    "amount": order["amount"],
                    "status": status,
                    "day": order["day"],
                },
            )

    # Students

    async def students(self) -> None:
        for position in range(_STUDENTS_A_STEP):
            name = self._name()
            user = await self._ctx.db.insert(
                "users", {"name": name, "email": self._email(name, position), "role": "student"}
            )
            for _ in range(self._rng.randint(2, 6)):
                await self._thread(user)
            for _ in range(self._rng.randint(1, 3)):
                await self._essay(user, name)

    async def _thread(self, user: UserId) -> None:
        rng, db = self._rng, self._ctx.db
        topic = rng.choice(TOPICS)
        at = self._midnight - rng.randint(0, 300) * _DAY
        thread = await db.insert("threads", {"userId": user, "title": f"About {topic}", "lastActiveAt": at})
        for _ in range(rng.randint(2, 10)):
            question = rng.choice(QUESTIONS).format(topic=topic)
            await db.insert("messages", {"threadId": thread, "role": "user", "text": question})
            await db.insert("messages", {"threadId": thread, "role": "assistant", "text": rng.choice(ANSWERS)})

    async def _essay(self, user: UserId, name: str) -> None:
        rng, db = self._rng, self._ctx.db
        topic = rng.choice(TOPICS)
        text = "\n\n".join(self._paragraph(topic) for _ in range(rng.randint(3, 6)))
        ago = rng.randint(0, _DAYS) if rng.random() < 0.8 else rng.randint(0, 5)
        state = rng.choices(STATES, (3, 2, 1))[0] if ago <= 5 else "done"
        handed_in = self._midnight - ago * _DAY
        essay = await db.insert(
            "essays",
            {
                "userId": user,
                "title": f"On {topic}",
                "text": text,
                "wordCount": len(text.split()),
                "status": "reviewed" if state == "done" else "submitted",
                "updatedAt": handed_in,
            },
        )
        await self._request(user, name, essay, state, ago, handed_in)

    async def _request(
        self, user: UserId, name: str, essay: EssayId, state: EssayRequestStatus, ago: int, at: float
    ) -> None:
        rng, db = self._rng, self._ctx.db
        reviewer = rng.choice(REVIEWERS)
        priority: EssayRequestPriority = "normal" if rng.random() < 0.8 else "express"
        request: EssayRequestFields = {
            "essayId": essay, "userId": user, "status": state, "priority": priority,
            "dueAt": at + 2 * _DAY, "day": self._day(ago), "attempts": 0,
        }  # fmt: skip
        took = rng.lognormvariate(2.6, 0.6) * 3_600_000
        scores: EssayRequestScores = {
            "structure": self._score(), "argument": self._score(), "style": self._score(), "grammar": self._score(),
        }  # fmt: skip
        if state != "received":
            request["reviewer"] = reviewer
        if state == "done":
            request["feedback"], request["scores"] = rng.choice(ANSWERS), scores
            request["finishedAt"] = min(at + took, self._ctx.now)
        id = await db.insert("essayRequests", request)
        day = self._day(ago)
        await self._event("request_received", day, f"{name} handed an essay in")
        for status in STATES[: STATES.index(state) + 1]:
            await db.insert("essayRequestEvents", {"requestId": id, "status": status})
        if state == "done":
            overall = round((scores["structure"] + scores["argument"] + scores["style"] + scores["grammar"]) / 4, 2)
            await db.insert(
                "qualityReviews",
                {
                    "requestId": id, "reviewer": reviewer, "scores": scores, "overall": overall,
                    "band": int(overall), "day": day,
                },
            )  # fmt: skip
            await self._event("review_finished", day, f"{reviewer} reviewed an essay of {name}", took)

    # Pieces

    async def _event(self, kind: OperationsEventKind, day: str, text: str, duration: float | None = None) -> None:
        event: OperationsEventFields = {"kind": kind, "text": text, "day": day}
        if duration is not None:
            event["duration"] = round(duration)
        await self._ctx.db.insert("operationsEvents", event)

    def _score(self) -> float:
        return round(min(10, max(1, self._rng.gauss(7.1, 1.4))), 1)

    def _name(self) -> str:
        return f"{self._rng.choice(FIRST_NAMES)} {self._rng.choice(LAST_NAMES)}"

    def _email(self, name: str, position: int) -> str:
        return f"{name.lower().replace(' ', '.')}.{self._number}.{position}@school.example"

    def _day(self, ago: int) -> str:
        return day_of(self._midnight - ago * _DAY)

    def _paragraph(self, topic: str) -> str:
        rng = self._rng
        return " ".join([rng.choice(OPENINGS).format(topic=topic), *rng.sample(SENTENCES, rng.randint(3, 6))])
