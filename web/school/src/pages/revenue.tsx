import { api, type Kpi, type Point, type Share } from "../api";
import { Bars, LineChart, Ring } from "../charts";
import { useDashboard } from "../dashboard";
import { RangePicker } from "../filters";
import { compact, count, money, percent } from "../format";
import { Card, Figure, Ghost, Header } from "../ui";

interface RevenueResult {
  total: Kpi;
  orders: Kpi;
  byProduct: Share[];
}

interface Trends {
  step: string;
  paid: Point[];
  refunded: Point[];
  perDay: number;
}

interface Metrics {
  gross: Kpi;
  refunds: Kpi;
  net: Kpi;
  open: number;
  averageOrder: Kpi;
  refundRate: number;
}

export function Revenue() {
  const revenue = useDashboard<RevenueResult>(api.dashboardRevenue.getRevenue);
  const trends = useDashboard<Trends>(api.dashboardRevenue.getTrends);
  const metrics = useDashboard<Metrics>(api.dashboardRevenue.getFinancialMetrics);
  const orders = revenue?.byProduct.map((part) => ({ ...part, value: part.count }));
  return (
    <>
      <Header
        title="Revenue"
        text={trends && metrics ? `${money(trends.perDay)} a day; ${money(metrics.open)} ordered and not paid yet.` : "…"}
      >
        <RangePicker />
      </Header>
      <div className="figures">
        <Figure name="Net revenue" kpi={metrics?.net} format={money} />
        <Figure name="Gross" kpi={metrics?.gross} format={money} />
        <Figure name="Refunds" kpi={metrics?.refunds} format={money} good="down" />
        <Figure name="Orders" kpi={revenue?.orders} format={count} />
        <Figure name="Average order" kpi={metrics?.averageOrder} format={money} />
      </div>
      <div className="grid">
        <Card title="Paid and refunded" note={trends && `by ${trends.step}`} size="wide">
          {trends ? (
            <LineChart
              name="paid"
              points={trends.paid}
              step={trends.step}
              format={money}
              axis={(value) => compact(value / 100)}
              other={{ name: "refunded", points: trends.refunded }}
              height={300}
            />
          ) : (
            <Ghost lines={6} />
          )}
        </Card>
        <Card title="By product" note={metrics && `${percent(metrics.refundRate)} refunded`}>
          {revenue ? <Ring parts={revenue.byProduct} format={money} /> : <Ghost lines={6} />}
        </Card>
        <Card title="Orders by product" size="full">{orders ? <Bars parts={orders} format={count} /> : <Ghost />}</Card>
      </div>
    </>
  );
}
