// The school application as its page uses it: somebody signed in, the key of the dashboards, orders that are paid.
const ADMIN = 'admin@school.example', PRODUCT = 'Essay review', CENTS = 4900;

/** The queries of each page of the dashboards, with what they take besides the key and the filters. */
export const PAGES = {
  overview: { 'dashboardOverview:getOverview': {}, 'dashboard:getRecentActivity': { limit: 8 } },
  customers: { 'dashboardCustomers:getAnalytics': {}, 'dashboardCustomers:listCustomers': { paginationOpts: { numItems: 20, cursor: null } } },
  quality: { 'dashboardQuality:getScores': {}, 'dashboardQuality:getTrends': {}, 'dashboardQuality:getAnalysis': {} },
  operations: { 'dashboardOperations:getMetrics': {}, 'dashboardOperations:getWorkflow': {}, 'dashboardOperations:listEvents': { paginationOpts: { numItems: 20, cursor: null } } },
  revenue: { 'dashboardRevenue:getRevenue': {}, 'dashboardRevenue:getTrends': {}, 'dashboardRevenue:getFinancialMetrics': {} },
};
const WITHOUT_FILTERS = new Set(['dashboard:getRecentActivity', 'dashboardCustomers:listCustomers', 'dashboardOperations:getWorkflow', 'dashboardOperations:listEvents']);

export class School {
  #url;
  #adminKey;

  constructor(url, adminKey) {
    this.#url = url.replace(/\/$/, '');
    this.#adminKey = adminKey;
  }

  /** Sign in, have the key made, and find a customer. */
  async open() {
    const { code } = await this.#post('/http/login/code', { email: ADMIN });
    const { token } = await this.#post('/http/login/token', { email: ADMIN, code });
    this.bearer = `Bearer ${token}`;
    this.key = await this.#run('action', 'dashboard:openAccess', {}, this.bearer);
    const listed = await this.#run('query', 'dashboardCustomers:listCustomers', { key: this.key, paginationOpts: { numItems: 1, cursor: null } });
    this.customer = listed.page[0]._id;
  }

  /** The queries of a page, as [path, arguments]. */
  queries(page, filters) {
    return Object.entries(PAGES[page]).map(([path, more]) => [path, { key: this.key, ...(WITHOUT_FILTERS.has(path) ? {} : { filters }), ...more }]);
  }

  /** An order that waits for its payment. */
  place() {
    return this.#run('mutation', 'orders:place', { customerId: this.customer, product: PRODUCT }, this.bearer);
  }

  /** The payment of an order; `id` is the payment's. */
  pay(orderId, id) {
    return this.#run('function', 'orders:payment_received', { orderId, providerId: id, amount: CENTS, outcome: 'succeeded' }, `Convex ${this.#adminKey}`);
  }

  async #run(kind, path, args, authorization) {
    const answer = await this.#post(`/api/${kind}`, { path, args, format: 'json' }, authorization);
    if (answer.status !== 'success') throw new Error(`${path}: ${answer.errorMessage}`);
    return answer.value;
  }

  async #post(path, body, authorization) {
    const headers = { 'content-type': 'application/json', ...(authorization && { authorization }) };
    const answer = await fetch(this.#url + path, { method: 'POST', headers, body: JSON.stringify(body) });
    const text = await answer.text();
    if (!answer.ok) throw new Error(`${path}: ${answer.status} ${text.slice(0, 300)}`);
    return JSON.parse(text);
  }
}
