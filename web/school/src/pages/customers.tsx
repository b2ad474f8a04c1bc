import { useMutation, usePaginatedQuery } from "convex/react";
import { useLayoutEffect, useRef, useState, type ReactNode, type SyntheticEvent } from "react";
import { api, type Customer, type Id, type Kpi, type Order, type Point, type Share } from "../api";
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

interface Found {
  customer: Customer;
  orders: Order[];
  payments: { _id: string; amount: number; status: string; day: string }[];
}

const countries = new Intl.DisplayNames(navigator.language, { type: "region" });

const called = (country: string) => countries.of(country) ?? country;

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
        <Card title="New customers" size="full">
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
        <Card title="By plan" note="revenue of active ones">
          {analytics ? <Ring parts={analytics.byPlan} format={money} /> : <Ghost />}
        </Card>
        <Card title="By country" note="revenue" size="wide">
          {analytics ? <Bars parts={analytics.byCountry.map((each) => ({ ...each, name: called(each.name) }))} format={money} /> : <Ghost />}
        </Card>
        <Card title="Best customers" size="full">
          <List onOpen={(id) => change({ customer: id })} />
        </Card>
      </div>
      {open && (
        <Drawer onClose={() => change({ customer: undefined })}>
          <Details id={open} />
        </Drawer>
      )}
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
              <th className="more">Plan</th>
              <th className="more">Country</th>
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
                <td className="more">{customer.plan}</td>
                <td className="more">{called(customer.country)}</td>
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

/** A dialog of the browser's own: the keyboard stays in it, Escape closes it, and then is where it was before. */
function Drawer({ onClose, children }: { onClose: () => void; children: ReactNode }) {
  const dialog = useRef<HTMLDialogElement>(null);
  useLayoutEffect(() => {
    const shown = dialog.current!;
    shown.showModal();
    return () => shown.close();
  }, []);
  const onCancel = (event: SyntheticEvent) => {
    event.preventDefault(); // whoever has opened it takes it away
    onClose();
  };
  return (
    <dialog
      ref={dialog}
      className="drawer"
      aria-label="Customer"
      onCancel={onCancel}
      onClick={(event) => event.target === dialog.current && onClose()}
    >
      <div className="inside">
        <button className="icon" onClick={onClose} aria-label="Close">
          <Icon name="back" />
        </button>
        {children}
      </div>
    </dialog>
  );
}

function Details({ id }: { id: string }) {
  const details = useDashboard<Found | null>(api.dashboardCustomers.getCustomer, { customerId: id });
  if (details === null) return <Empty title="There is no such customer" />;
  if (details?.customer._id !== id) return <Ghost lines={8} />;
  const { customer, orders } = details;
  return (
    <>
      <h2>{customer.name}</h2>
      <p className="lead">
        {customer.email}
        <br />
        {customer.plan}, since {customer.day}
      </p>
      <div className="figures two">
        <Figure name="Revenue" kpi={customer.revenue} format={price} />
        <Figure name="Orders" kpi={customer.orders} format={count} />
      </div>
      <h3>New order</h3>
      <Products customer={customer._id} />
      <h3>Orders</h3>
      {orders.length ? (
        <ul className="lines">
          {orders.map((order) => (
            <li key={order._id}>
              <span>{order.product}</span>
              <small>{order.day}</small>
              <span className={`badge ${order.status}`}>{order.status}</span>
              <strong>{price(order.amount)}</strong>
            </li>
          ))}
        </ul>
      ) : (
        <Empty title="No orders yet" />
      )}
    </>
  );
}

const PRODUCTS = ["Essay review", "Express review", "Coaching hour", "Monthly plan"];

function Products({ customer }: { customer: Id<"customers"> }) {
  const place = useMutation(api.orders.place);
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState("");
  const order = (product: string) => {
    setBusy(true);
    setError("");
    place({ customerId: customer, product })
      .catch(() => setError("That was not ordered. Try again."))
      .finally(() => setBusy(false));
  };
  return (
    <div className="products" role="group" aria-label="New order">
      {PRODUCTS.map((product) => (
        <button key={product} className="button quiet" disabled={busy} onClick={() => order(product)}>
          <Icon name="plus" size={16} /> {product}
        </button>
      ))}
      {error && (
        <p className="error" role="alert">
          {error}
        </p>
      )}
    </div>
  );
}
