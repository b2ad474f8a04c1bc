"""The assistant's answers. It is no language model: put one here, `answer_to` is all that the school needs of it."""

from collections.abc import Iterable

from functions._generated.data_model import Message

__all__ = ["answer_to"]

_ADVICE = (
    (
        {"introduction", "beginning", "start", "opening"},
        "Begin with the question that your essay answers, and say in one sentence why anybody should care. What you "
        "know about its history can wait for the second paragraph.",
    ),
    (
        {"thesis", "claim", "point"},
        "A thesis is a sentence somebody could disagree with. Write down who would, and why: if nobody comes to mind, "
        "sharpen it.",
    ),
    (
        {"conclusion", "end", "ending"},
        "Do not say again what you have shown. Say what follows from it, for the reader or for you, and stop one "
        "sentence earlier than feels polite.",
    ),
    (
        {"paragraph", "paragraphs", "connect", "flow", "structure"},
        "Write each paragraph's point on a card and lay the cards in a row. Where you cannot say “therefore” or “but” "
        "between two cards, a thought is missing.",
    ),
    (
        {"counterargument", "objection", "against"},
        "Take the strongest objection you can find and put it as its friends would. Then answer that one; the weak "
        "ones fall with it.",
    ),
    ({"long", "short", "length", "cut"}, "Read it aloud. Cut every sentence at which you hurry."),
    (
        {"grammar", "comma", "spelling", "sentence"},
        "Break long sentences at their commas and read the halves alone: mistakes hide in the joints.",
    ),
    (
        {"example", "evidence", "proof"},
        "One example that you tell in full is worth five that you name. Choose the one that surprised you.",
    ),
)


def answer_to(messages: Iterable[Message]) -> str:
    """What the assistant says to the last of some messages, oldest first."""
    asked = [message["text"] for message in messages if message["role"] == "user"]
    if not asked:
        return "Tell me about your essay: what is it about, and where are you stuck?"
    words = {word.strip(".,;:!?\"'()").lower() for word in asked[-1].split()}
    advice = [text for keys, text in _ADVICE if words.intersection(keys)]
    if not advice:
        quoted = asked[-1].strip()
        quoted = quoted if len(quoted) <= 80 else quoted[:79] + "…"
        return (
            f"You wrote: “{quoted}” Tell me which part of your essay this is about, the introduction, the thesis, the "
            "paragraphs or the conclusion, and I can be of more help."
        )
    return " ".join(advice[:2])
