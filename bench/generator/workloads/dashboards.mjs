// The dashboards of the school: what the first load of each page costs the server, and what an order does to an open one.
// Options: loads (of each page, each for another day), orders, adminKey.
import { percentile, range, sleep, sum } from '../numbers.mjs';
import { PAGES, School } from '../school.mjs';

const SETTLE_MS = 60, WARM_UP_ORDERS = 3, DAY_MS = 86_400_000;

export default async function dashboards({ deployment, server, phase, options }) {
  const school = new School(options.url, options.adminKey);
  await school.open();
  const figures = {};
  let payments = 0;

  /** CPU milliseconds of the server while something happens and settles. */
  const cost = async (work) => {
    const before = server.cpuSeconds();
    await work();
    await sleep(SETTLE_MS);
    return (server.cpuSeconds() - before) * 1000;
  };
  const idle = percentile(await serially(range(options.orders), () => cost(() => {})), 50);
  const day = (ago) => new Date(Date.now() - ago * DAY_MS).toISOString().slice(0, 10);

  /** What the payment of one order costs, with whatever is open. */
  const order = async () => {
    const id = await school.place();
    await sleep(SETTLE_MS);
    return await cost(() => school.pay(id, `bench-${process.pid}-${payments++}`)) - idle;
  };
  const orders = async () => {
    await serially(range(WARM_UP_ORDERS), order);
    return percentile(await serially(range(options.orders), order), 50);
  };

  phase.begin();
  for (const page of Object.keys(PAGES)) {
    // Nobody has asked for the thirty days before another day, so nothing is known already but single days.
    const load = (ago) => cost(() => Promise.all(school.queries(page, { range: 'last30days', today: day(ago * 31) }).map(([path, args]) => deployment.read(path, args))));
    const loads = await serially(range(options.loads), (i) => load(i + 1));
    figures[`${page}_load_ms`] = percentile(loads, 50) - idle;
  }
  const nobody = await orders();
  figures.order_ms = nobody;
  for (const page of Object.keys(PAGES)) {
    const open = await Promise.all(school.queries(page, { range: 'last30days' }).map(([path, args]) => deployment.subscribe(path, [args], () => {})));
    figures[`${page}_order_ms`] = await orders() - nobody;
    for (const each of open) each.close();
  }
  phase.end();
  return { ...figures, pages_load_ms: sum(Object.keys(PAGES).map((page) => figures[`${page}_load_ms`])) };
}

async function serially(items, work) {
  const found = [];
  for (const item of items) found.push(await work(item));
  return found;
}
