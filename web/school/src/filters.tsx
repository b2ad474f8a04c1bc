import { useEffect, useMemo, useState } from "react";
import { useLocation, useSearch } from "wouter";
import type { Filters } from "./api";
import { today } from "./format";

export const RANGES: Record<string, string> = {
  today: "Today",
  last7days: "7 days",
  last30days: "30 days",
  last90days: "90 days",
  last12months: "12 months",
  thisYear: "This year",
};

/** The school has no figures from before. */
const FIRST_DAY = "2020-01-01";

type Changes = Record<string, string | undefined>;

/** The parameters of the address, and a way to change some of them: what is filtered can be linked to and gone back from.
 *  With `replace` the change is no step to go back to: nobody wants to go back letter by letter. */
export function useParams(): [URLSearchParams, (changes: Changes, options?: { replace: boolean }) => void] {
  const [location, navigate] = useLocation();
  const search = useSearch();
  const params = useMemo(() => new URLSearchParams(search), [search]);
  const change = (changes: Changes, options?: { replace: boolean }) => {
    const next = new URLSearchParams(search);
    for (const [name, value] of Object.entries(changes)) {
      if (value) next.set(name, value);
      else next.delete(name);
    }
    const text = next.toString();
    navigate(text ? `${location}?${text}` : location, options);
  };
  return [params, change];
}

/** The day of this browser, also when midnight passes: the server adds up days, and is told which is the last. */
function useToday() {
  const [day, setDay] = useState(today);
  useEffect(() => {
    const timer = setInterval(() => setDay(today()), 30_000);
    return () => clearInterval(timer);
  }, []);
  return day;
}

export function useFilters(): Filters {
  const [params] = useParams();
  const day = useToday();
  const start = params.get("start") ?? undefined;
  const end = params.get("end") ?? undefined;
  const range = params.get("range") ?? "last30days";
  return useMemo(
    () => (start || end ? { ...(start && { start }), ...(end && { end }), today: day } : { range, today: day }),
    [start, end, range, day],
  );
}

export function RangePicker() {
  const [params, change] = useParams();
  const [open, setOpen] = useState(false);
  const own = params.get("start") || params.get("end");
  const chosen = own ? "" : (params.get("range") ?? "last30days");
  return (
    <div className="ranges" role="group" aria-label="Time">
      {Object.entries(RANGES).map(([range, name]) => (
        <button
          key={range}
          className={chosen === range ? "chip here" : "chip"}
          aria-pressed={chosen === range}
          onClick={() => change({ range, start: undefined, end: undefined })}
        >
          {name}
        </button>
      ))}
      <button className={own ? "chip here" : "chip"} aria-expanded={open} onClick={() => setOpen(!open)}>
        {own ? `${params.get("start") ?? "…"} – ${params.get("end") ?? "today"}` : "From … to …"}
      </button>
      {open && (
        <span className="days">
          <Day
            name="From"
            value={params.get("start") ?? ""}
            max={params.get("end") ?? today()}
            onChange={(start) => change({ start, range: undefined })}
          />
          <Day
            name="To"
            value={params.get("end") ?? ""}
            min={params.get("start") ?? undefined}
            onChange={(end) => change({ end, range: undefined })}
          />
        </span>
      )}
    </div>
  );
}

interface DayProps {
  name: string;
  value: string;
  min?: string;
  max?: string;
  onChange: (day: string) => void;
}

/** A day to choose. While its year is being typed it is the year 2, or 20: those days are nobody's wish. */
function Day({ name, value, min = FIRST_DAY, max, onChange }: DayProps) {
  const [typed, setTyped] = useState(value);
  useEffect(() => setTyped(value), [value]);
  return (
    <input
      type="date"
      aria-label={name}
      value={typed}
      min={min}
      max={max}
      onChange={(event) => {
        setTyped(event.target.value);
        if (event.target.validity.valid) onChange(event.target.value);
      }}
    />
  );
}
