import { useAction, useQuery } from "convex/react";
import type { FunctionReference } from "convex/server";
import { useEffect, useRef } from "react";
import { api, type Filters } from "./api";
import { useFilters } from "./filters";

/** Once for the whole page: each new key shuts out whoever has the one before. */
let opening: Promise<unknown> | undefined;

/** The key that the dashboards ask for; made when there is none yet. */
export function useKey(): string | undefined {
  const key = useQuery(api.dashboard.getAccess) as string | null | undefined;
  const open = useAction(api.dashboard.openAccess);
  useEffect(() => {
    if (key === null) opening ??= open().catch(() => undefined); // when an admin opens them, the key comes by the query
  }, [key, open]);
  return key ?? undefined;
}

/** A query of the dashboards for the time in the address. While a new one is loading, the last result stays. */
export function useDashboard<T>(query: FunctionReference<"query">, args?: Record<string, unknown>): T | undefined {
  const key = useKey();
  const filters = useFilters();
  const given = args ?? { filters };
  const result = useQuery(query, key ? { key, ...given } : "skip") as T | undefined;
  const last = useRef<T | undefined>(undefined);
  if (result !== undefined) last.current = result;
  return result ?? last.current;
}

export type { Filters };
