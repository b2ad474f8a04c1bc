import { useEffect, useSyncExternalStore, type ReactNode } from "react";
import type { Kpi } from "./api";
import { ago, percent } from "./format";
import { Icon } from "./icons";

export function Splash({ text }: { text: string }) {
  return (
    <div className="splash" role="status">
      <img src="/icon.svg" alt="" width="48" height="48" />
      <p>{text}</p>
    </div>
  );
}

export function Header({ title, text, children }: { title: string; text?: ReactNode; children?: ReactNode }) {
  useEffect(() => {
    document.title = `${title} · School`;
  }, [title]);
  return (
    <header className="top">
      <div>
        <h1>{title}</h1>
        {text && <p className="lead">{text}</p>}
      </div>
      {children && <div className="tools">{children}</div>}
    </header>
  );
}

/** `wide`: two of the three columns, `full`: all of them. */
export function Card({
  title,
  note,
  size = "",
  children,
}: {
  title: string;
  note?: ReactNode;
  size?: "" | "wide" | "full";
  children: ReactNode;
}) {
  return (
    <section className={`card ${size}`} aria-label={title}>
      <div className="cardtop">
        <h2>{title}</h2>
        {note && <span className="note">{note}</span>}
      </div>
      {children}
    </section>
  );
}

/** A figure, and if it is known its change since the time before; `good` says whether more is better. */
export function Figure({
  name,
  kpi,
  format,
  good = "up",
}: {
  name: string;
  kpi: Kpi | number | undefined;
  format: (value: number) => string;
  good?: "up" | "down";
}) {
  return (
    <div className="figure" data-figure={name}>
      <span className="label">{name}</span>
      {kpi === undefined ? (
        <span className="value ghost">–</span>
      ) : (
        <span className="value">{format(typeof kpi === "number" ? kpi : kpi.value)}</span>
      )}
      {kpi === undefined ? (
        <span className="change ghost">–</span>
      ) : (
        typeof kpi === "object" && <Change kpi={kpi} format={format} good={good} />
      )}
    </div>
  );
}

function Change({ kpi, format, good }: { kpi: Kpi; format: (value: number) => string; good: "up" | "down" }) {
  if (kpi.change === null) return <span className="change none">nothing before</span>;
  const up = kpi.change >= 0;
  const better = Math.abs(kpi.change) < 0.005 ? "" : up === (good === "up") ? " better" : " worse";
  return (
    <span className={`change${better}`} title={`${format(kpi.previous)} in the time before`}>
      <Icon name={up ? "up" : "down"} size={14} />
      {percent(Math.abs(kpi.change))}
      <span className="before">from {format(kpi.previous)}</span>
    </span>
  );
}

export function Ghost({ lines = 4 }: { lines?: number }) {
  return (
    <div className="ghosts" aria-hidden>
      {Array.from({ length: lines }, (_, index) => (
        <span key={index} className="ghostline" />
      ))}
    </div>
  );
}

export function Empty({ title, children }: { title: string; children?: ReactNode }) {
  return (
    <div className="empty">
      <p>
        <strong>{title}</strong>
      </p>
      {children}
    </div>
  );
}

const STATES: Record<string, string> = {
  received: "waiting",
  in_review: "in review",
  done: "done",
  failed: "failed",
  cancelled: "taken back",
  draft: "draft",
  submitted: "handed in",
  reviewed: "reviewed",
};

export function Badge({ status }: { status: string }) {
  return <span className={`badge ${status}`}>{STATES[status] ?? status}</span>;
}

export function Avatar({ name }: { name: string }) {
  // The same name has the same colour everywhere.
  const hue = [...name].reduce((sum, letter) => (sum * 31 + letter.charCodeAt(0)) % 360, 7);
  return (
    <span className="avatar small" style={{ background: `oklch(0.62 0.13 ${hue})` }} aria-hidden>
      {name.split(" ").map((word) => word[0]).slice(0, 2).join("").toUpperCase()}
    </span>
  );
}

const MINUTE = 60_000;

// Four times as often, so that nobody is told "now" for two minutes.
function everyMinute(tick: () => void) {
  const timer = setInterval(tick, MINUTE / 4);
  return () => clearInterval(timer);
}

/** How long ago something was, or when it will be; right also when the window is open for hours. */
export function Ago({ at }: { at: number }) {
  useSyncExternalStore(everyMinute, () => Math.floor((Date.now() - at) / MINUTE));
  return <>{ago(at)}</>;
}
