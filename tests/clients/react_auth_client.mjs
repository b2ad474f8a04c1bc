// ConvexProviderWithAuth: what a page shows of signing in, waiting for it, and signing out.
import { root as element } from './react_stage.mjs';
import { createElement as h, useCallback, useMemo, useSyncExternalStore } from 'react';
import { createRoot } from 'react-dom/client';
import {
  Authenticated,
  AuthLoading,
  ConvexProviderWithAuth,
  ConvexReactClient,
  Unauthenticated,
  useConvexAuth,
  useMutation,
  useQuery,
} from 'convex/react';
import { anyApi as api } from 'convex/server';
import WebSocket from 'ws';
import { options, orders, tell, url, leave } from './stage.mjs';

const client = new ConvexReactClient(url, { webSocketConstructor: WebSocket, unsavedChangesWarning: false });
const root = createRoot(element);

// A login library: knows a token once somebody has signed in.
const login = { token: null, listeners: new Set() };
const enter = (token) => {
  login.token = token;
  for (const listener of login.listeners) listener();
};
function useLogin() {
  const token = useSyncExternalStore(
    (listener) => (login.listeners.add(listener), () => login.listeners.delete(listener)),
    () => login.token,
  );
  const fetchAccessToken = useCallback(async ({ forceRefreshToken }) => {
    tell('wish', { forced: forceRefreshToken });
    return login.token;
  }, [token]);
  return useMemo(
    () => ({ isLoading: false, isAuthenticated: token !== null, fetchAccessToken }),
    [token, fetchAccessToken],
  );
}

let write;
function Me() {
  const who = useQuery(api.members.me, {});
  write = useMutation(api.members.who_writes);
  if (who !== undefined) tell('me', { who });
  return h('p', null, who);
}

function Page() {
  const { isLoading, isAuthenticated } = useConvexAuth();
  tell('state', { isLoading, isAuthenticated });
  return h('main', null, [
    h(Unauthenticated, { key: 1 }, 'nobody'),
    h(AuthLoading, { key: 2 }, 'wait'),
    h(Authenticated, { key: 3 }, h(Me)),
  ]);
}

root.render(h(ConvexProviderWithAuth, { client, useAuth: useLogin }, h(Page)));

for await (const { token, what, done } of orders()) {
  if (done) break;
  if (what === 'write') tell('wrote', { who: await write() });
  else if (what === 'look') tell('page', { text: element.textContent });
  else enter(token);
}
root.unmount();
await client.close();
await leave(); // jsdom keeps timers of its own
