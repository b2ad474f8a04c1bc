import { useEffect, useState, type ReactNode } from "react";
import { Link, useLocation, useSearch } from "wouter";
import type { User } from "./api";
import { useLogin } from "./auth";
import { Guard } from "./guard";
import { Icon } from "./icons";

const STAFF = [
  { path: "/overview", name: "Overview", icon: "overview", key: "1" },
  { path: "/revenue", name: "Revenue", icon: "revenue", key: "2" },
  { path: "/customers", name: "Customers", icon: "customers", key: "3" },
  { path: "/quality", name: "Quality", icon: "quality", key: "4" },
  { path: "/operations", name: "Operations", icon: "operations", key: "5" },
] as const;

const EVERYBODY = [
  { path: "/conversations", name: "Conversations", icon: "conversations", key: "6" },
  { path: "/essays", name: "Essays", icon: "essays", key: "7" },
] as const;

export function Layout({ me, offline, children }: { me: User; offline: boolean; children: ReactNode }) {
  const [location, navigate] = useLocation();
  const search = useSearch();
  const staff = me.role !== "student";
  const entries = [...(staff ? STAFF : []), ...EVERYBODY];

  // The time that a dashboard is about stays when another one is opened; which customer is open does not.
  const kept = (path: string) => {
    const params = new URLSearchParams(search);
    for (const name of [...params.keys()]) if (!["range", "start", "end"].includes(name)) params.delete(name);
    return STAFF.some((each) => each.path === path) && params.size ? `?${params}` : "";
  };

  // Alt and a number go to a page, wherever the keyboard is.
  useEffect(() => {
    const onKey = (event: KeyboardEvent) => {
      const entry = event.altKey && entries.find((each) => `Digit${each.key}` === event.code);
      if (!entry) return;
      event.preventDefault();
      navigate(entry.path + kept(entry.path));
    };
    window.addEventListener("keydown", onKey);
    return () => window.removeEventListener("keydown", onKey);
  });

  const link = (entry: (typeof entries)[number]) => {
    const here = location.startsWith(entry.path);
    return (
      <Link
        key={entry.path}
        href={entry.path + kept(entry.path)}
        className={here ? "nav here" : "nav"}
        aria-current={here ? "page" : undefined}
        aria-label={entry.name}
        title={`${entry.name} (Alt+${entry.key})`}
      >
        <Icon name={entry.icon} />
        <span>{entry.name}</span>
      </Link>
    );
  };

  return (
    <div className="frame">
      <a className="skip" href="#main">
        To the content
      </a>
      <aside className="side">
        <div className="brand">
          <img src="/icon.svg" alt="" width="28" height="28" />
          <span>School</span>
        </div>
        <nav aria-label="Pages">
          {staff && <p className="group">Dashboards</p>}
          {staff && STAFF.map(link)}
          <p className="group">Coaching</p>
          {EVERYBODY.map(link)}
        </nav>
        <Person me={me} />
      </aside>
      <main id="main" tabIndex={-1}>
        {offline && (
          <p className="offline" role="status">
            <span className="pulse" /> The server does not answer. What you see is what it said last; the page goes on by itself.
          </p>
        )}
        <Guard place={location + search}>{children}</Guard>
      </main>
    </div>
  );
}

function Person({ me }: { me: User }) {
  const { signOut } = useLogin();
  return (
    <div className="person">
      <span className="avatar" aria-hidden>
        {me.name.slice(0, 1).toUpperCase()}
      </span>
      <div className="who">
        <strong>{me.name}</strong>
        <small>{me.role}</small>
      </div>
      <ThemeButton />
      <button className="icon" onClick={() => void signOut()} title="Sign out" aria-label="Sign out">
        <Icon name="out" />
      </button>
    </div>
  );
}

const systemDark = matchMedia("(prefers-color-scheme: dark)");

function dark() {
  const chosen = document.documentElement.dataset.theme;
  return chosen ? chosen === "dark" : systemDark.matches;
}

export function ThemeButton() {
  const [isDark, setDark] = useState(dark);
  useEffect(() => {
    const follow = () => setDark(dark());
    systemDark.addEventListener("change", follow);
    return () => systemDark.removeEventListener("change", follow);
  }, []);
  const toggle = () => {
    const theme = isDark ? "light" : "dark";
    document.documentElement.dataset.theme = theme;
    localStorage.setItem("theme", theme);
    setDark(!isDark);
  };
  const label = isDark ? "Light colours" : "Dark colours";
  return (
    <button className="icon" onClick={toggle} title={label} aria-label={label}>
      <Icon name={isDark ? "sun" : "moon"} />
    </button>
  );
}
