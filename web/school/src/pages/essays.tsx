import { useMutation, usePaginatedQuery, useQuery } from "convex/react";
import { useState, type ChangeEvent, type FormEvent } from "react";
import { Link, useLocation } from "wouter";
import { api, type Essay, type Id, type EssayRequest, type RequestDetails } from "../api";
import { useParams } from "../filters";
import { count, score, time } from "../format";
import { Guard } from "../guard";
import { Icon } from "../icons";
import { Ago, Badge, Empty, Ghost, Header } from "../ui";

export function Essays({ id }: { id?: Id<"essays"> | "new" }) {
  const [, navigate] = useLocation();
  return (
    <div className={id ? "split opened" : "split"}>
      <section className="list" aria-label="Essays">
        <Header title="Essays">
          <button className="button" onClick={() => navigate("/essays/new")}>
            <Icon name="plus" size={18} /> New
          </button>
        </Header>
        <Search />
        <List here={id} />
      </section>
      {id === "new" ? (
        <Editor />
      ) : id ? (
        <Guard key={id} place={id}>
          <Reader id={id} />
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
      <Empty title="Write, or hand in what you have">
        <p>A review takes a moment with the machine, and two days with a person.</p>
      </Empty>
    </section>
  );
}

function Search() {
  const [params, change] = useParams();
  return (
    <label className="searchbox">
      <Icon name="search" size={18} />
      <input
        type="search"
        placeholder="Search essays"
        aria-label="Search essays"
        value={params.get("q") ?? ""}
        onChange={(event) => change({ q: event.target.value }, { replace: true })}
      />
    </label>
  );
}

interface Found {
  id: string;
  title: string;
  status: string;
  excerpt: string;
  updatedAt: number;
}

function List({ here }: { here?: string }) {
  const [params] = useParams();
  const text = params.get("q") ?? "";
  const found = useQuery(api.essays.search, text ? { text } : "skip") as Found[] | undefined;
  const { results, status, loadMore } = usePaginatedQuery(api.essays.list, text ? "skip" : {}, { initialNumItems: 20 });
  const essays: Found[] = text
    ? (found ?? [])
    : (results as Essay[]).map((essay) => ({ ...essay, id: essay._id, excerpt: essay.text.slice(0, 120) }));
  if (text ? found === undefined : status === "LoadingFirstPage") return <Ghost lines={8} />;
  if (!essays.length) return <Empty title={text ? "No essay has these words" : "No essays yet"} />;
  const search = text ? `?q=${encodeURIComponent(text)}` : "";
  return (
    <>
      <ul className="threads">
        {essays.map((essay) => (
          <li key={essay.id}>
            <Link href={`/essays/${essay.id}${search}`} className={essay.id === here ? "here" : ""}>
              <strong>{essay.title}</strong>
              <Badge status={essay.status} />
              <small className="excerpt">{essay.excerpt}</small>
            </Link>
          </li>
        ))}
      </ul>
      {!text && status === "CanLoadMore" && (
        <button className="button quiet" onClick={() => loadMore(20)}>
          Show more
        </button>
      )}
    </>
  );
}

function Editor() {
  const [, navigate] = useLocation();
  const create = useMutation(api.essays.create);
  const uploadUrl = useMutation(api.essays.generateUploadUrl);
  const [title, setTitle] = useState("");
  const [text, setText] = useState("");
  const [file, setFile] = useState<File>();
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState("");

  const choose = async (event: ChangeEvent<HTMLInputElement>) => {
    const chosen = event.target.files?.[0];
    if (!chosen) return;
    setFile(chosen);
    setTitle((known) => known || chosen.name.replace(/\.[^.]+$/, ""));
    if (chosen.type.startsWith("text/")) setText(await chosen.text());
  };

  const upload = async (chosen: File) => {
    const url = (await uploadUrl({})) as string;
    const answer = await fetch(url, {
      method: "POST",
      headers: { "Content-Type": chosen.type || "application/octet-stream" },
      body: chosen,
    });
    if (!answer.ok) throw new Error("The file could not be stored. Try again.");
    return ((await answer.json()) as { storageId: Id<"_storage"> }).storageId;
  };

  const save = async (event: FormEvent) => {
    event.preventDefault();
    setBusy(true);
    setError("");
    try {
      const fileId = file && (await upload(file));
      const id = (await create({ title, text, ...(fileId && { fileId }) })) as string;
      navigate(`/essays/${id}`);
    } catch (failure) {
      setError(failure instanceof Error ? failure.message : String(failure));
      setBusy(false);
    }
  };

  return (
    <section className="pane" aria-label="New essay">
      <div className="panetop">
        <Link href="/essays" className="icon backlink" aria-label="Back to the list">
          <Icon name="back" />
        </Link>
        <h2>New essay</h2>
      </div>
      <form className="editor" onSubmit={(event) => void save(event)}>
        <input placeholder="Title" aria-label="Title" required maxLength={200} value={title} onChange={(event) => setTitle(event.target.value)} />
        <textarea placeholder="Write here, or choose a file…" aria-label="Text" required value={text} onChange={(event) => setText(event.target.value)} />
        {error && (
          <p className="error" role="alert">
            {error}
          </p>
        )}
        <div className="actions">
          <label className="button quiet file">
            <Icon name="file" size={18} /> {file ? file.name : "Choose a file"}
            <input type="file" accept=".txt,.md,.pdf,.docx,text/*" onChange={(event) => void choose(event)} />
          </label>
          <span className="note">{count(text.split(/\s+/).filter(Boolean).length)} words</span>
          <button className="button" disabled={busy}>
            Keep as a draft
          </button>
        </div>
      </form>
    </section>
  );
}

function Reader({ id }: { id: Id<"essays"> }) {
  const essay = useQuery(api.essays.get, { essayId: id }) as Essay | undefined;
  const request = useQuery(api.essayRequests.getForEssay, { essayId: id }) as EssayRequest | null | undefined;
  if (essay === undefined)
    return (
      <section className="pane">
        <Ghost lines={12} />
      </section>
    );
  return (
    <section className="pane" aria-label={essay.title}>
      <div className="panetop">
        <Link href="/essays" className="icon backlink" aria-label="Back to the list">
          <Icon name="back" />
        </Link>
        <h2>{essay.title}</h2>
        <Badge status={essay.status} />
      </div>
      <div className="reader">
        <p className="note">
          {count(essay.wordCount)} words · <Ago at={essay.updatedAt} />
          {essay.fileUrl && (
            <>
              {" · "}
              <a href={essay.fileUrl}>the file</a>
            </>
          )}
        </p>
        {essay.status === "draft" && <HandIn id={id} />}
        {request && <Review id={request._id} />}
        <article>
          {essay.text.split("\n\n").map((paragraph, index) => (
            <p key={index}>{paragraph}</p>
          ))}
        </article>
      </div>
    </section>
  );
}

function HandIn({ id }: { id: Id<"essays"> }) {
  const submit = useMutation(api.essayRequestsActions.create);
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState("");
  const handIn = (priority: "normal" | "express") => {
    setBusy(true);
    setError("");
    submit({ essayId: id, priority })
      .catch(() => setError("That was not handed in. Try again."))
      .finally(() => setBusy(false));
  };
  return (
    <div className="handin">
      <p>{error ? <span className="error" role="alert">{error}</span> : "Hand it in, and somebody reviews it."}</p>
      <button className="button" disabled={busy} onClick={() => handIn("normal")}>
        Hand in
      </button>
      <button className="button quiet" disabled={busy} onClick={() => handIn("express")}>
        Express, in 12 hours
      </button>
    </div>
  );
}

const CRITERIA = ["structure", "argument", "style", "grammar"] as const;

function Review({ id }: { id: Id<"essayRequests"> }) {
  const details = useQuery(api.essayRequests.getDetails, { requestId: id }) as RequestDetails | undefined;
  const cancel = useMutation(api.essayRequestsActions.cancel);
  // Too late when a reviewer was faster: the page shows that by itself.
  const takeBack = () => void cancel({ requestId: id }).catch(() => undefined);
  if (details === undefined) return <Ghost lines={3} />;
  const { request, history } = details;
  return (
    <div className="review" data-status={request.status}>
      <ol className="steps">
        {history.map((step) => (
          <li key={step._id}>
            <Badge status={step.status} />
            <small>{time(step._creationTime)}</small>
          </li>
        ))}
      </ol>
      {request.status === "received" && (
        <button className="button quiet" onClick={takeBack}>
          Take it back
        </button>
      )}
      {request.scores && (
        <div className="scores">
          {CRITERIA.map((name) => (
            <div key={name}>
              <span>{name}</span>
              <span className="track">
                <span style={{ width: `${request.scores![name] * 10}%` }} />
              </span>
              <strong>{score(request.scores![name])}</strong>
            </div>
          ))}
        </div>
      )}
      {request.feedback && (
        <blockquote>
          <p>{request.feedback}</p>
          <cite>{request.reviewer}</cite>
        </blockquote>
      )}
      {request.status === "failed" && <p className="error">The review failed: {request.error}</p>}
    </div>
  );
}
