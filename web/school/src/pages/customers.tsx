import { usePaginatedQuery } from "convex/react";
import { useEffect } from "react";
import { api, type Customer, type Kpi, type Order, type Point, type Share } from "../api";
import { Bars, LineChart, Ring } from "../charts";
import { useDashboard, useKey } from "../dashboard";
import { RangePicker, useParams } from "../filters";
import { compact, count, money, price } from "../format";
import { Icon } from "../icons";
import { Avatar, Card, Empty, Figure, Ghost, Header } from "../ui";

interface Analytics {
  newCustomers: Kpi;
  active: number;
  churned: number;
  revenuePerCustomer: number;
  growth: Point[];
  byPlan: Share[];
  byCountry: Share[];
}

interface Details {
  customer: Customer;
  orders: Order[];
  payments: { _id: string; amount: number; status: string; day: string }[];
}

export function Customers() {
  const analytics = useDashboard<Analytics>(api.dashboardCustomers.getAnalytics);
  const [params, change] = useParams();
  const open = params.get("customer");
  return (
    <>
      <Header title="Customers" text="Who buys, from where, and who has just come.">
        <RangePicker />
      </Header>
      <div className="figures">
        <Figure name="New" kpi={analytics?.newCustomers} format={count} />
        <Figure name="Active" kpi={analytics?.active} format={count} />
        <Figure name="Gone" kpi={analytics?.churned} format={count} good="down" />
        <Figure name="Revenue each" kpi={analytics?.revenuePerCustomer} format={money} />
      </div>
      <div className="grid">
        <Card title="New customers" wide>
          {analytics ? (
            <LineChart
              points={analytics.growth.map((point) => ({ ...point, value: point.count }))}
              step="day"
              format={count}
              axis={compact}
              height={220}
            />
          ) : (
            <Ghost lines={5} />
          )}
        </Card>
        <Card title="By plan" note="active customers">
          {analytics ? <Ring parts={analytics.byPlan} format={money} /> : <Ghost />}
        </Card>
        <Card title="By country">{analytics ? <Bars parts={analytics.byCountry} format={money} /> : <Ghost />}</Card>
        <Card title="Best customers" wide>
          <List onOpen={(id) => change({ customer: id })} />
        </Card>
      </div>
      {open && <Drawer id={open} onClose={() => change({ customer: undefined })} />}
    </>
  );
}

function List({ onOpen }: { onOpen: (id: string) => void }) {
  const key = useKey();
  const [params, change] = useParams();
  const plan = params.get("plan") ?? "";
  const filters = plan ? { filters: { plan: plan as Customer["plan"] } } : {};
  const { results, status, loadMore } = usePaginatedQuery(
    api.dashboardCustomers.listCustomers,
    key ? { key, ...filters } : "skip",
    { initialNumItems: 12 },
  );
  const customers = results as Customer[];
  return (
    <>
      <div className="ranges" role="group" aria-label="Plan">
        {["", "single", "monthly", "yearly"].map((each) => (
          <button key={each} className={plan === each ? "chip here" : "chip"} aria-pressed={plan === each} onClick={() => change({ plan: each })}>
            {each || "All plans"}
          </button>
        ))}
      </div>
      <div className="scroll">
        <table>
          <thead>
            <tr>
              <th>Customer</th>
              <th>Plan</th>
              <th>Country</th>
              <th className="number">Orders</th>
              <th className="number">Revenue</th>
            </tr>
          </thead>
          <tbody>
            {customers.map((customer) => (
              <tr key={customer._id} className="row">
                <td>
                  <button className="plain" onClick={() => onOpen(customer._id)}>
                    <Avatar name={customer.name} />
                    <span>
                      <strong>{customer.name}</strong>
                      <small>{customer.email}</small>
                    </span>
                  </button>
                </td>
                <td>{customer.plan}</td>
                <td>{customer.country}</td>
                <td className="number">{count(customer.orders)}</td>
                <td className="number">{price(customer.revenue)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      {status === "LoadingFirstPage" && <Ghost lines={8} />}
      {status !== "LoadingFirstPage" && !customers.length && <Empty title="Nobody" />}
      {status === "CanLoadMore" && (
        <button className="button quiet" onClick={() => loadMore(24)}>
          Show more
        </button>
      )}
    </>
  );
}

function Drawer({ id, onClose }: { id: string; onClose: () => void }) {
  const details = useDashboard<Details | null>(api.dashboardCustomers.getCustomer, { customerId: id });
  useEffect(() => {
    const onKey = (event: KeyboardEvent) => event.key === "Escape" && onClose();
    window.addEventListener("keydown", onKey);
    return () => window.removeEventListener("keydown", onKey);
  }, [onClose]);
  const shown = details?.customer._id === id ? details : undefined;
  return (
    <div className="veil" onClick={onClose}>
      <aside className="drawer" role="dialog" aria-label="Customer" onClick={(event) => event.stopPropagation()}>
        <button className="icon" onClick={onClose} aria-label="Close" autoFocus>
          <Icon name="back" />
        </button>
        {shown ? (
          <>
            <h2>{shown.customer.name}</h2>
            <p className="lead">
              {shown.customer.email} · {shown.customer.plan} · since {shown.customer.day}
            </p>
            <div className="figures two">
              <Figure name="Revenue" kpi={shown.customer.revenue} format={price} />
              <Figure name="Orders" kpi={shown.customer.orders} format={count} />
            </div>
            <h3>Orders</h3>
            <ul className="lines">
              {shown.orders.map((order) => (
                <li key={order._id}>
                  <span>{order.product}</span>
                  <small>{order.day}</small>
                  <span className={`badge ${order.status}`}>{order.status}</span>
                  <strong>{price(order.amount)}</strong>
                </li>
              ))}
            </ul>
          </>
        ) : (
          <Ghost lines={8} />
        )}
      </aside>
    </div>
  );
}
