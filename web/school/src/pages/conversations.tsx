import { useMutation, usePaginatedQuery, useQuery } from "convex/react";
import { useEffect, useLayoutEffect, useRef, useState, type KeyboardEvent } from "react";
import { Link, useLocation } from "wouter";
import { api, type Id, type Message, type Thread } from "../api";
import { Guard } from "../guard";
import { Icon } from "../icons";
import { Ago, Empty, Ghost, Header } from "../ui";

export function Conversations({ id }: { id?: Id<"threads"> }) {
  const [, navigate] = useLocation();
  const create = useMutation(api.threads.create);
  const begin = async () => navigate(`/conversations/${(await create({})) as string}`);
  return (
    <div className={id ? "split opened" : "split"}>
      <section className="list" aria-label="Conversations">
        <Header title="Conversations">
          <button className="button" onClick={() => void begin()}>
            <Icon name="plus" size={18} /> New
          </button>
        </Header>
        <Threads here={id} />
      </section>
      {id ? (
        <Guard key={id} place={id}>
          <Chat id={id} />
        </Guard>
      ) : (
        <Nothing />
      )}
    </div>
  );
}

function Nothing() {
  return (
    <section className="pane center">
      <Empty title="Ask about your essay">
        <p>Choose a conversation, or begin a new one. The assistant answers at once.</p>
      </Empty>
    </section>
  );
}

function Threads({ here }: { here?: Id<"threads"> }) {
  const { results, status, loadMore } = usePaginatedQuery(api.threads.page, {}, { initialNumItems: 20 });
  const threads = results as Thread[];
  if (status === "LoadingFirstPage") return <Ghost lines={8} />;
  if (!threads.length) return <Empty title="No conversations yet" />;
  return (
    <>
      <ul className="threads">
        {threads.map((thread) => (
          <li key={thread._id}>
            <Link href={`/conversations/${thread._id}`} className={thread._id === here ? "here" : ""}>
              <strong>{thread.title}</strong>
              <small><Ago at={thread.lastActiveAt} /></small>
            </Link>
          </li>
        ))}
      </ul>
      {status === "CanLoadMore" && (
        <button className="button quiet" onClick={() => loadMore(20)}>
          Show more
        </button>
      )}
    </>
  );
}

function Chat({ id }: { id: Id<"threads"> }) {
  const [, navigate] = useLocation();
  const thread = useQuery(api.threads.get, { threadId: id }) as Thread | undefined;
  const messages = useQuery(api.messages.history, { threadId: id }) as Message[] | undefined;
  const rename = useMutation(api.threads.rename);
  const remove = useMutation(api.threads.delete);
  const send = useMutation(api.messages.saveUserMessage).withOptimisticUpdate((store, { threadId, text }) => {
    // Shown before the server has it; its answer takes the place of this.
    const known = store.getQuery(api.messages.history, { threadId }) as Message[] | undefined;
    if (known === undefined) return;
    const now = Date.now();
    const message: Message = { _id: `sending-${now}` as Id<"messages">, _creationTime: now, threadId, role: "user", text };
    store.setQuery(api.messages.history, { threadId }, [...known, message]);
  });

  const say = async (text: string) => {
    if (thread?.title === "New conversation") void rename({ threadId: id, title: text.length > 60 ? `${text.slice(0, 59).trimEnd()}…` : text });
    await send({ threadId: id, text });
  };

  const leave = async () => {
    navigate("/conversations");
    await remove({ threadId: id });
  };

  return (
    <section className="pane" aria-label={thread?.title ?? "Conversation"}>
      <div className="panetop">
        <Link href="/conversations" className="icon backlink" aria-label="Back to the list">
          <Icon name="back" />
        </Link>
        <h2>{thread?.title ?? "…"}</h2>
        <button className="icon" onClick={() => void leave()} title="Delete this conversation" aria-label="Delete this conversation">
          <Icon name="trash" />
        </button>
      </div>
      <Messages messages={messages} />
      <Composer onSend={say} />
    </section>
  );
}

function Messages({ messages }: { messages: Message[] | undefined }) {
  const end = useRef<HTMLDivElement>(null);
  const last = messages?.at(-1);
  useLayoutEffect(() => {
    end.current?.scrollIntoView({ block: "end" });
  }, [messages?.length, last?.text.length]);
  if (messages === undefined) return <Ghost lines={8} />;
  const waiting = last?.role === "user";
  return (
    <div className="messages" role="log" aria-live="polite">
      {!messages.length && <Empty title="What is your essay about?" />}
      {messages.map((message) => (
        <div key={message._id} className={`message ${message.role}`} data-sending={message._id.startsWith("sending") || undefined}>
          <p>
            {message.text}
            {message.streaming && <span className="caret" aria-hidden />}
          </p>
        </div>
      ))}
      {waiting && (
        <div className="message assistant typing" aria-label="The assistant is writing">
          <i />
          <i />
          <i />
        </div>
      )}
      <div ref={end} />
    </div>
  );
}

function Composer({ onSend }: { onSend: (text: string) => Promise<void> }) {
  const [text, setText] = useState("");
  const [error, setError] = useState("");
  const box = useRef<HTMLTextAreaElement>(null);
  useEffect(() => {
    box.current?.focus();
  }, []);

  const send = () => {
    const said = text.trim();
    if (!said) return;
    setText("");
    setError("");
    onSend(said).catch(() => {
      setText((written) => written || said);
      setError("That was not sent. Try again.");
    });
  };
  const onKey = (event: KeyboardEvent) => {
    if (event.key !== "Enter" || event.shiftKey) return;
    event.preventDefault();
    send();
  };

  return (
    <div className="composer">
      {error && (
        <p className="error" role="alert">
          {error}
        </p>
      )}
      <textarea
        ref={box}
        rows={Math.min(6, text.split("\n").length)}
        placeholder="Ask about your essay…"
        aria-label="Message"
        maxLength={4000}
        value={text}
        onChange={(event) => setText(event.target.value)}
        onKeyDown={onKey}
      />
      <button className="button round" onClick={send} disabled={!text.trim()} aria-label="Send">
        <Icon name="send" />
      </button>
    </div>
  );
}
