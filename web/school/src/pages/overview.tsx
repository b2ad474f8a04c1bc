import { api, type Event, type Kpi, type Point } from "../api";
import { LineChart } from "../charts";
import { useDashboard } from "../dashboard";
import { RangePicker } from "../filters";
import { compact, count, money, score } from "../format";
import { Ago, Card, Empty, Figure, Ghost, Header } from "../ui";

interface OverviewResult {
  step: string;
  kpis: Record<"revenue" | "orders" | "newCustomers" | "requests" | "quality", Kpi>;
  revenue: Point[];
  summary: string;
}

export function Overview() {
  const overview = useDashboard<OverviewResult>(api.dashboardOverview.getOverview);
  const events = useDashboard<Event[]>(api.dashboard.getRecentActivity, { limit: 8 });
  const kpis = overview?.kpis;
  return (
    <>
      <Header title="Overview" text={overview?.summary ?? "…"}>
        <RangePicker />
      </Header>
      <div className="figures">
        <Figure name="Revenue" kpi={kpis?.revenue} format={money} />
        <Figure name="Orders" kpi={kpis?.orders} format={count} />
        <Figure name="New customers" kpi={kpis?.newCustomers} format={count} />
        <Figure name="Essays handed in" kpi={kpis?.requests} format={count} />
        <Figure name="Quality of reviews" kpi={kpis?.quality} format={score} />
      </div>
      <div className="grid">
        <Card title="Revenue" note={overview && `by ${overview.step}`} size="wide">
          {overview ? (
            <LineChart
              points={overview.revenue}
              step={overview.step}
              format={money}
              axis={(value) => compact(value / 100)}
              unit="orders"
              height={300}
            />
          ) : (
            <Ghost lines={6} />
          )}
        </Card>
        <Card title="What happened" note="live">
          {events === undefined ? (
            <Ghost lines={8} />
          ) : events.length ? (
            <ol className="events">
              {events.map((event) => (
                <li key={event._id}>
                  <i className={event.kind} />
                  <span>{event.text}</span>
                  <time><Ago at={event._creationTime} /></time>
                </li>
              ))}
            </ol>
          ) : (
            <Empty title="Nothing yet" />
          )}
        </Card>
      </div>
    </>
  );
}
