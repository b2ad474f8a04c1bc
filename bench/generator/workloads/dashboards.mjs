// The dashboards of the school: what the first load of each page costs the server, and what an order does to an open one.
// Options: loads (of each page, each for another day), orders (paid for with each page open), adminKey.
import { percentile, range, sleep, sum } from '../numbers.mjs';
import { PAGES, School } from '../school.mjs';

const SETTLE_MS = 60, WARM_UP_ROUNDS = 3, DAY_MS = 86_400_000;
const names = Object.keys(PAGES);

export default async function dashboards({ deployment, server, phase, options }) {
  const school = new School(options.urls[0], options.adminKey);
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
  const subscribe = (page) => Promise.all(school.queries(page, { range: 'last30days' })
    .map(([path, args]) => deployment.subscribe(path, [args], () => {})));
  const day = (ago) => new Date(Date.now() - ago * DAY_MS).toISOString().slice(0, 10);

  /** What the payment of one order costs while a page is open, or none (null). */
  const payment = async (page) => {
    const open = page === null ? [] : await subscribe(page);
    const id = await school.place();
    await sleep(SETTLE_MS);
    const spent = await cost(() => school.pay(id, `bench-${process.pid}-${payments++}`));
    for (const each of open) each.close();
    return spent;
  };

  phase.begin();
  const idle = percentile(await serially(range(options.orders), () => cost(() => {})), 50);
  for (const page of names) {
    // Nobody has asked for the thirty days before another day, so nothing is known already but single days.
    const load = (ago) => cost(() => Promise.all(school.queries(page, { range: 'last30days', today: day(ago * 31) }).map(([path, args]) => deployment.read(path, args))));
    const loads = await serially(range(options.loads), (i) => load(i + 1));
    figures[`${page}_load_ms`] = percentile(loads, 50) - idle;
  }
  // Each round pays with every page open in turn and with none before and after it: what the machine does meanwhile, and
  // how the data grows, meets all of them alike, and only differences within a round count.
  const rounds = await serially(range(WARM_UP_ROUNDS + options.orders), async () => {
    const alone = [await payment(null)], open = {};
    for (const page of names) {
      open[page] = await payment(page);
      alone.push(await payment(null));
    }
    return { alone, more: names.map((page, i) => open[page] - (alone[i] + alone[i + 1]) / 2) };
  });
  const counted = rounds.slice(WARM_UP_ROUNDS);
  figures.order_ms = percentile(counted.flatMap((round) => round.alone), 50) - idle;
  names.forEach((page, i) => {
    const more = counted.map((round) => round.more[i]);
    figures[`${page}_order_ms`] = percentile(more, 50);
    figures[`${page}_order_p75_ms`] = percentile(more, 75);
  });
  phase.end();
  return { ...figures, pages_load_ms: sum(names.map((page) => figures[`${page}_load_ms`])) };
}

async function serially(items, work) {
  const found = [];
  for (const item of items) found.push(await work(item));
  return found;
}
