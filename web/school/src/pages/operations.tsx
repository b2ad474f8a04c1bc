import { usePaginatedQuery } from "convex/react";
import { api, type EssayRequest, type Event, type Kpi, type Point } from "../api";
import { LineChart } from "../charts";
import { useDashboard, useKey } from "../dashboard";
import { RangePicker } from "../filters";
import { count, hours, time } from "../format";
import { Ago, Badge, Card, Empty, Figure, Ghost, Header } from "../ui";

interface Metrics {
  received: Kpi;
  finished: Kpi;
  failed: Kpi;
  turnaround: Kpi;
  throughput: Point[];
}

interface Workflow {
  stages: { status: string; count: number }[];
  next: EssayRequest[];
  overdue: number;
  at: number;
}

export function Operations() {
  const metrics = useDashboard<Metrics>(api.dashboardOperations.getMetrics);
  const workflow = useDashboard<Workflow>(api.dashboardOperations.getWorkflow, {});
  return (
    <>
      <Header title="Operations" text="What waits, how long it takes, and what happens now.">
        <RangePicker />
      </Header>
      <div className="figures">
        <Figure name="Handed in" kpi={metrics?.received} format={count} />
        <Figure name="Reviewed" kpi={metrics?.finished} format={count} />
        <Figure name="Failed" kpi={metrics?.failed} format={count} good="down" />
        <Figure name="Time for a review" kpi={metrics?.turnaround} format={hours} good="down" />
      </div>
      <div className="grid">
        <Card title="Where requests are" note="now" size="full">
          {workflow ? <Stages workflow={workflow} /> : <Ghost lines={3} />}
        </Card>
        <Card title="Reviewed" size="wide">
          {metrics ? (
            <LineChart
              points={metrics.throughput.map((point) => ({ ...point, value: point.count }))}
              step="day"
              format={count}
              height={220}
            />
          ) : (
            <Ghost lines={5} />
          )}
        </Card>
        <Card title="Due first" note={workflow && workflow.overdue > 0 ? `${workflow.overdue} overdue` : undefined}>
          {workflow === undefined ? (
            <Ghost />
          ) : workflow.next.length ? (
            <ul className="lines">
              {workflow.next.map((request) => (
                <li key={request._id}>
                  <span>{request.priority === "express" ? "Express" : "Normal"}</span>
                  <Badge status={request.status} />
                  <strong className={request.dueAt < workflow.at ? "late" : undefined} title={time(request.dueAt)}>
                    <Ago at={request.dueAt} />
                  </strong>
                </li>
              ))}
            </ul>
          ) : (
            <Empty title="Nothing waits" />
          )}
        </Card>
        <Card title="Events" size="full">
          <Events />
        </Card>
      </div>
    </>
  );
}

function Stages({ workflow }: { workflow: Workflow }) {
  const most = Math.max(...workflow.stages.map((stage) => stage.count), 1);
  return (
    <ol className="stages">
      {workflow.stages.map((stage) => (
        <li key={stage.status}>
          <strong>{count(stage.count)}</strong>
          <Badge status={stage.status} />
          <span className="track">
            <span style={{ width: `${(100 * stage.count) / most}%` }} />
          </span>
        </li>
      ))}
    </ol>
  );
}

function Events() {
  const key = useKey();
  const { results, status, loadMore } = usePaginatedQuery(api.dashboardOperations.listEvents, key ? { key } : "skip", {
    initialNumItems: 15,
  });
  const events = results as Event[];
  return (
    <>
      <ol className="events">
        {events.map((event) => (
          <li key={event._id}>
            <i className={event.kind} />
            <span>{event.text}</span>
            <time><Ago at={event._creationTime} /></time>
          </li>
        ))}
      </ol>
      {status === "LoadingFirstPage" && <Ghost lines={8} />}
      {status === "CanLoadMore" && (
        <button className="button quiet" onClick={() => loadMore(30)}>
          Show more
        </button>
      )}
    </>
  );
}
