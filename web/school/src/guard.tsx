import { ConvexError } from "convex/values";
import { Component, type ReactNode } from "react";
import { Link } from "wouter";
import { Empty } from "./ui";

/** What is shown when the server refuses what something asks for: a deleted conversation, an address that was mistyped.
 *  Another `place` is another try. */
export class Guard extends Component<{ place: string; children: ReactNode }, { failure?: unknown }> {
  state: { failure?: unknown } = {};

  componentDidUpdate(before: { place: string }) {
    if (before.place !== this.props.place && this.state.failure !== undefined) this.setState({ failure: undefined });
  }

  static getDerivedStateFromError(failure: unknown) {
    return { failure };
  }

  render() {
    const { failure } = this.state;
    return failure === undefined ? this.props.children : <Failed failure={failure} />;
  }
}

function Failed({ failure }: { failure: unknown }) {
  const code = failure instanceof ConvexError ? (failure.data as { code?: string }).code : undefined;
  return (
    <div className="refused" role="alert">
      <Empty title={code === "NOT_FOUND" ? "This is not here" : "This cannot be shown"}>
        <p>{EXPLANATIONS[code ?? ""] ?? "The server does not know what this address asks for."}</p>
        <p>
          <Link href="/" className="button">
            To the first page
          </Link>
        </p>
      </Empty>
    </div>
  );
}

const EXPLANATIONS: Record<string, string> = {
  NOT_FOUND: "It was deleted, or it is somebody else's.",
  FORBIDDEN: "Only the staff of the school sees this.",
  BAD_FILTER: "The time in the address is none that the school knows.",
};
