import { useConvexAuth, useConvexConnectionState, useQuery } from "convex/react";
import { Redirect, Route, Switch } from "wouter";
import { api, type Id, type User } from "./api";
import { Layout } from "./layout";
import { Conversations } from "./pages/conversations";
import { Customers } from "./pages/customers";
import { Essays } from "./pages/essays";
import { Operations } from "./pages/operations";
import { Overview } from "./pages/overview";
import { Quality } from "./pages/quality";
import { Revenue } from "./pages/revenue";
import { SignIn } from "./pages/sign-in";
import { Splash } from "./ui";

export function App() {
  const { isLoading, isAuthenticated } = useConvexAuth();
  const { isWebSocketConnected, hasEverConnected } = useConvexConnectionState();
  const me = useQuery(api.users.me, isAuthenticated ? {} : "skip") as User | null | undefined;
  if (isLoading) return <Splash text="One moment…" />;
  if (!isAuthenticated) return <SignIn />;
  if (!me) return <Splash text="Signing in…" />;
  const staff = me.role !== "student";
  return (
    <Layout me={me} offline={hasEverConnected && !isWebSocketConnected}>
      <Switch>
        {staff && <Route path="/overview" component={Overview} />}
        {staff && <Route path="/revenue" component={Revenue} />}
        {staff && <Route path="/customers" component={Customers} />}
        {staff && <Route path="/quality" component={Quality} />}
        {staff && <Route path="/operations" component={Operations} />}
        <Route path="/conversations/:id?">{({ id }) => <Conversations id={id as Id<"threads"> | undefined} />}</Route>
        <Route path="/essays/:id?">{({ id }) => <Essays id={id as Id<"essays"> | "new" | undefined} />}</Route>
        <Route>
          <Redirect to={staff ? "/overview" : "/conversations"} replace />
        </Route>
      </Switch>
    </Layout>
  );
}
