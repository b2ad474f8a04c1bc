import type { Doc, Id } from "../../../functions/_generated/dataModel";

// The functions by their paths and the shapes of documents, as `reactor codegen` writes them down.
export { api } from "../../../functions/_generated/api";
export type { Doc, Id };

export interface Kpi {
  value: number;
  previous: number;
  change: number | null;
}

export interface Point {
  day: string;
  value: number;
  count: number;
}

export interface Share {
  name: string;
  value: number;
  count: number;
  share: number;
}

export type User = Doc<"users">;
export type Thread = Doc<"threads">;
export type Message = Doc<"messages">;
export type Essay = Doc<"essays"> & { fileUrl?: string | null };
export type EssayRequest = Doc<"essayRequests">;
export type Customer = Doc<"customers">;
export type Order = Doc<"orders">;
export type Event = Doc<"operationsEvents">;

export interface RequestDetails {
  request: EssayRequest;
  title: string;
  history: Doc<"essayRequestEvents">[];
}

export interface Filters {
  range?: string;
  start?: string;
  end?: string;
  today: string;
}
